// Checks GitHub workflows and actions with GitHub's own parser and schemas. Prints a JSON object with
// the list of errors of each file.
import { readFileSync } from "node:fs";
import { register } from "node:module";
import { basename } from "node:path";

register("./json_modules.mjs", import.meta.url);
const { NoOperationTraceWriter, convertWorkflowTemplate, parseWorkflow } = await import(
  "@actions/workflow-parser"
);
const { parseAction } = await import("@actions/workflow-parser/actions/action-parser");

const found = {};
for (const name of process.argv.slice(2)) {
  const file = { name, content: readFileSync(name, "utf8") };
  const isAction = basename(name) === "action.yml";
  const parsed = (isAction ? parseAction : parseWorkflow)(file, new NoOperationTraceWriter());
  if (!isAction && parsed.value) await convertWorkflowTemplate(parsed.context, parsed.value);
  found[name] = parsed.context.errors.getErrors().map((error) => error.message);
}
console.log(JSON.stringify(found));
