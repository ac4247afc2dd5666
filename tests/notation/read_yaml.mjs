// Reads documents, one a line as a JSON string, with the npm library `yaml` as Backstage does, and
// answers each with a line: {"value": …}, {"error": …}, and whether there was a warning.
import { createRequire } from 'node:module';
import readline from 'node:readline';

const YAML = createRequire(process.argv[2])('yaml');

// Numbers, maps and what JSON has not, so that nothing is lost on the way.
function told(value) {
  if (typeof value === 'number') return { number: Object.is(value, -0) ? '-0' : String(value) };
  if (Array.isArray(value)) return { list: value.map(told) };
  if (value === null || typeof value !== 'object') return value;
  if (Object.getPrototypeOf(value) !== Object.prototype) return { other: String(value) };
  return { map: Object.entries(value).map(([key, inner]) => [key, told(inner)]) };
}

let warned = false;
process.emitWarning = () => { warned = true; };

for await (const line of readline.createInterface({ input: process.stdin })) {
  warned = false;
  let answer;
  try {
    answer = { value: told(YAML.parse(JSON.parse(line))) };
  } catch (error) {
    answer = { error: `${error.code} ${error.message}` };
  }
  process.stdout.write(`${JSON.stringify({ ...answer, warned })}\n`);
}
