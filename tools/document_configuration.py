"""Write config/schema.json, for editors, and docs/configuration.md from the configuration's models.

    python tools/document_configuration.py

Run it after a change of the models; a test checks that the files agree with them.
"""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from deblend.data.config import Archive
from deblend.run.config import Config

ROOT = Path(__file__).parents[1]

#: Names of limits in pydantic's schema, and their names in JSON schema.
LIMITS = {
    "gt": "exclusiveMinimum",
    "ge": "minimum",
    "lt": "exclusiveMaximum",
    "le": "maximum",
    "multiple_of": "multipleOf",
}
SIGNS = {
    "exclusiveMinimum": "> ",
    "minimum": "≥ ",
    "exclusiveMaximum": "< ",
    "maximum": "≤ ",
    "multipleOf": "multiple of ",
}
TYPES = {"integer": "integer", "number": "number", "string": "text", "boolean": "true or false"}

#: Text before the first table.
INTRODUCTION = """\
# Configuration

<!-- Written by tools/document_configuration.py from the models in src/deblend/*/config.py. -->

Every key: its type and limits, its default, and what it means. `config/config.yaml` gives each
value and where it comes from; an overlay (`--configfile`) gives what differs. A key with a default
need not be given. A key that is not known is an error that names the nearest one, and so is a key
that is given twice in a file. An integer may be written as `2021.0`. `NAME` is a name of your own.

Editors that know JSON schemas (VS Code with the YAML extension) show this and complete keys where a
file begins with `# yaml-language-server: $schema=` and the path from there to `config/schema.json`.
"""


def renamed(part: Any) -> Any:
    """A part of pydantic's schema, with JSON schema's names of the limits."""
    if isinstance(part, list):
        return [renamed(item) for item in part]
    if isinstance(part, dict):
        return {LIMITS.get(key, key): renamed(value) for key, value in part.items()}
    return part


def for_editors(part: Any) -> Any:
    """A part of the schema without titles, which repeat the keys, and with no key required.

    Overlays contain only some keys, which Snakemake merges into the base configuration. A section
    without the key that names its kind may be of any kind.
    """
    if isinstance(part, list):
        return [for_editors(item) for item in part]
    if not isinstance(part, dict):
        return part
    out = {}
    for key, value in part.items():
        if key in ("properties", "$defs"):
            out[key] = {name: for_editors(entry) for name, entry in value.items()}
        elif key == "default":
            out[key] = value
        elif key not in ("title", "required"):
            out["anyOf" if key == "oneOf" else key] = for_editors(value)
    if "patternProperties" in part:
        out["additionalProperties"] = False
    return out


def schema() -> str:
    """Text of config/schema.json."""
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of the workflow, and overlays of it",
        **for_editors(renamed(Config.model_json_schema())),
    }
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def values_of(part: dict[str, Any]) -> dict[str, Any]:
    """Schema of the values of a map."""
    patterns = part.get("patternProperties")
    return next(iter(patterns.values())) if patterns else part["additionalProperties"]


def shown(value: Any) -> str:
    """A value in YAML, on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


class Document:
    """The text of the page, to which tables are added one by one.

    Parameters
    ----------
    definitions : dict
        Definitions of pydantic's schema, to which `$ref` refers.
    """

    def __init__(self, definitions: dict[str, Any]) -> None:
        self.definitions = definitions
        self.lines: list[str] = []
        self.written: list[tuple[str, dict[str, Any]]] = []

    def resolved(self, part: dict[str, Any]) -> dict[str, Any]:
        """A part of the schema, with its `$ref` replaced by the definition."""
        if "$ref" not in part:
            return part
        own = {key: value for key, value in part.items() if key != "$ref"}
        return {**self.definitions[part["$ref"].rsplit("/", 1)[1]], **own}

    def kind(self, part: dict[str, Any]) -> str:
        """Type and limits of a key, in words."""
        part = self.resolved(part)
        if choices := part.get("anyOf", part.get("oneOf")):
            kinds = [self.kind(one) for one in choices if one != {"type": "null"}]
            return " or ".join(kinds) + ("; or null" if len(kinds) < len(choices) else "")
        if "properties" in part:
            return "keys below"
        if "const" in part:
            return f"`{part['const']}`"
        if "enum" in part:
            return ", ".join(f"`{value}`" for value in part["enum"])
        if part["type"] == "array":
            return self.kind_of_list(part)
        if part["type"] == "object":
            values = values_of(part)
            simple = "oneOf" not in values and "properties" not in self.resolved(values)
            return f"a map of names to {self.kind(values)}" if simple else "names, keys below"
        limits = [f"{sign}{part[key]}" for key, sign in SIGNS.items() if key in part]
        words = part.get("patternErrorMessage", "").removeprefix("it has to be ")
        return ", ".join([TYPES[part["type"]], *limits, *([words] if words else [])])

    def kind_of_list(self, part: dict[str, Any]) -> str:
        """Type and limits of a list, in words."""
        if "prefixItems" in part:
            return f"list of {len(part['prefixItems'])}: {self.kind(part['prefixItems'][0])}"
        item = self.kind(part["items"])
        least = f", {part['minItems']} at least" if "minItems" in part else ""
        once = ", each once" if part.get("uniqueItems") else ""
        return f"list{least}{once}" + (", keys below" if item == "keys below" else f": {item}")

    def default(self, part: dict[str, Any]) -> str:
        """Default of a key; for a section whose keys all have defaults, a reference to these."""
        inner = self.resolved(part)
        if "default" not in part:
            return "required"
        if "properties" in inner and not inner.get("required"):
            return "those below"
        return f"`{shown(part['default'])}`"

    def section(self, part: dict[str, Any], path: tuple[str, ...], title: str) -> None:
        """A table of a section's keys, and after it the tables of the sections in it.

        Tables that several kinds of a section share are written once.
        """
        if (title, part) in self.written:
            return
        self.written.append((title, part))
        self.lines += [f"## {title}", ""]
        if "description" in part:
            self.lines += [part["description"].split("\n\n")[0].replace("\n", " "), ""]
        self.lines += ["| key | type and limits | default | what it is |", "|---|---|---|---|"]
        required = part.get("required", ())
        for key, entry in sorted(
            part["properties"].items(),
            key=lambda item: ("const" not in item[1], item[0] not in required),
        ):
            meaning = self.resolved(entry).get("description", "")
            if "const" in entry:
                meaning = "Selects the kind of this section."
            row = [f"`{key}`", self.kind(entry), self.default(entry), meaning]
            self.lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
        self.lines.append("")
        for key, entry in part["properties"].items():
            self.below(entry, (*path, key))

    def below(self, entry: dict[str, Any], path: tuple[str, ...]) -> None:
        """The tables of the sections in a key, if there are any."""
        entry = self.resolved(entry)
        if "properties" in entry:
            self.section(entry, path, f"`{' > '.join(path)}`")
        elif entry.get("type") == "array" and "items" in entry:
            self.below(entry["items"], path)
        elif entry.get("type") == "object":
            self.below(values_of(entry), (*path, "NAME"))
        elif "oneOf" in entry:
            # A key with values of several types has no sections in it.
            sections = [one for one in map(self.resolved, entry["oneOf"]) if "properties" in one]
            for one in sections:
                key, kind = next(
                    (k, v["const"]) for k, v in one["properties"].items() if "const" in v
                )
                self.section(one, path, f"`{' > '.join(path)}`, {key} `{kind}`")
        elif "anyOf" in entry:
            for one in entry["anyOf"]:
                self.below(one, path)


def document() -> str:
    """Text of docs/configuration.md."""
    lines = [INTRODUCTION]
    for model, path, title in (
        (Config, (), "The whole"),
        (Archive, ("NAME",), "Archives: `NAME` in `config/datasets.yaml`"),
    ):
        whole = renamed(model.model_json_schema())
        tables = Document(whole.get("$defs", {}))
        tables.section(whole, path, title)
        lines += tables.lines
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    """Write both files."""
    (ROOT / "config" / "schema.json").write_text(schema())
    (ROOT / "docs" / "configuration.md").write_text(document())


if __name__ == "__main__":
    main()
