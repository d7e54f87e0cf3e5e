"""What the contract of the API (openapi.json) says of bodies, read for the tests that send them."""

from collections.abc import Iterator

DAYS = {"date": "2026-11-24", "date-time": "2026-11-24T01:00:00Z"}
TYPES = {
    "boolean": lambda sent: isinstance(sent, bool),
    "integer": lambda sent: isinstance(sent, int) and not isinstance(sent, bool),
    "number": lambda sent: isinstance(sent, int | float) and not isinstance(sent, bool),
    "string": lambda sent: isinstance(sent, str),
    "array": lambda sent: isinstance(sent, list),
    "object": lambda sent: isinstance(sent, dict),
    "null": lambda sent: sent is None,
}


class Bodies:
    """The bodies of one contract: ``said`` are the words for a field, by its name."""

    def __init__(self, contract, said=None):
        self.paths, self.parts = contract["paths"], contract["components"]["schemas"]
        self.said = said or {}

    def calls(self) -> Iterator[tuple[str, str, dict]]:
        """Yield method, path and what each body is described by, of every call that takes one."""
        for path, calls in self.paths.items():
            for method, call in calls.items():
                if "requestBody" in (call if isinstance(call, dict) else {}):
                    yield method, path, call["requestBody"]["content"]

    def kinds(self, schema) -> list[dict]:
        """Return the alternatives of a schema, each without reference."""
        if "$ref" in schema:
            return self.kinds(self.parts[schema["$ref"].rpartition("/")[2]])
        for word in ("anyOf", "oneOf", "allOf"):
            if word in schema:
                return [kind for one in schema[word] for kind in self.kinds(one)]
        return [schema]

    def takes(self, schema, sent) -> bool:
        """Say whether the schema takes a value of this type; a day or an instant is no number."""
        return any(
            TYPES[one.get("type", "object")](sent)
            and not (one.get("format") in DAYS and str(sent).isdigit())
            for one in self.kinds(schema)
        )

    def fitting(self, schema, name="", *, is_whole=False):
        """Return something the schema takes; ``is_whole``: with what need not be sent, too."""
        schema = self.kinds(schema)[0]
        if "const" in schema or "enum" in schema:
            return schema.get("const", schema.get("enum", [None])[0])
        kind = schema.get("type", "object")
        if kind == "array":
            return [self.fitting(schema.get("items", {}), name, is_whole=is_whole)]
        if kind == "object":
            entries, needed = schema.get("properties", {}), schema.get("required", ())
            return {
                key: self.fitting(one, key, is_whole=is_whole)
                for key, one in entries.items()
                if is_whole or key in needed or (key in self.said and self.takes(one, ""))
            }
        if kind == "string":
            return DAYS.get(schema.get("format"), self.said.get(name, "核对客户资质"))
        return {"integer": max(1, schema.get("minimum", 1)), "number": 1, "boolean": True}[kind]

    def objects(self, schema, way=()) -> Iterator[tuple[tuple, dict]]:
        """Yield every object that stands in a body, and the way to it."""
        for kind in self.kinds(schema):
            if kind.get("type", "object") == "object":
                yield way, kind
                for key, one in kind.get("properties", {}).items():
                    yield from self.objects(one, (*way, key))
            elif kind["type"] == "array":
                yield from self.objects(kind.get("items", {"type": "null"}), (*way, 0))

    def fields(self, schema) -> Iterator[tuple[tuple, dict]]:
        """Yield every field that stands in a body, and the way to it."""
        for way, kind in self.objects(schema):
            for key, one in kind.get("properties", {}).items():
                yield (*way, key), one


def put(body, way, value):
    """Put a value where the way leads in a body."""
    for step in way[:-1]:
        body = body[step]
    body[way[-1]] = value
