"""Help as plain text, options under headings: it is there in a tenth of a second.

Typer's own panels need Rich and its Markdown reader, which take longer to load than all the rest.
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

OTHERS = "Options"


class GroupedCommand(TyperCommand):
    """A command whose options are listed under the headings they were declared with."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options, a section for each heading, in the order of their declaration."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record:
                is_argument = parameter.param_type_name == "argument"
                heading = getattr(parameter, "rich_help_panel", None)
                default = "Arguments" if is_argument else OTHERS
                sections.setdefault(heading or default, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)
