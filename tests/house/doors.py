"""A contract type for import-linter: rooms are entered through their doors only.

`container` holds rooms (its child packages and modules). A module of one room may import another room's module only if
that one is a door: named in `doors` by its last part ("actions" opens every room's actions) or by its path below the
container ("matching.guard" opens that one, and what is inside it). Tests go where they like.
"""

from __future__ import annotations

from typing import Any

import grimp
from importlinter import Contract, ContractCheck, fields, output


class DoorsContract(Contract):
    """Which direct imports between the rooms of `container` go around the doors."""

    type_name = "doors"

    container = fields.StringField()
    doors = fields.ListField(subfield=fields.StringField())
    free = fields.ListField(subfield=fields.StringField(), required=False, default=[])
    """Rooms that wire others together, and so may enter anywhere."""

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        container, doors, free = str(self.container), _list(self.doors), _list(self.free)
        around = []
        for importer in sorted(graph.find_descendants(container)):
            room = _room(importer, container)
            if room in free or ".tests" in importer or importer.endswith(".conftest"):
                continue
            for imported in sorted(graph.find_modules_directly_imported_by(importer)):
                if imported.startswith(container + ".") and _room(imported, container) != room:
                    inner = imported.removeprefix(container + ".")
                    if not is_door(inner, importer, doors):
                        around.append((importer, imported, _lines(graph, importer, imported)))
        return ContractCheck(kept=not around, metadata={"around": around})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, imported, lines in check.metadata["around"]:
            output.print_error(f"{importer} imports {imported} (line {lines}), which is no door.", bold=False)


def is_door(inner: str, importer: str, doors: list[str]) -> bool:
    """Whether `inner` (a path below the container) may be imported from other rooms.

    A door written "models<-models" opens models to other rooms' models only: tables may point at tables.
    """
    for door in doors:
        name, _, only = door.partition("<-")
        if only and importer.rpartition(".")[2] != only:
            continue
        if (
            inner == name
            or inner.startswith(name + ".")
            or ("." not in name and inner.split(".")[1:2] == [name])
        ):
            return True
    return False


def _room(module: str, container: str) -> str:
    return module.removeprefix(container + ".").partition(".")[0]


def _lines(graph: grimp.ImportGraph, importer: str, imported: str) -> str:
    found = graph.get_import_details(importer=importer, imported=imported)
    return ", ".join(str(each["line_number"]) for each in found)


def _list(field: Any) -> list[str]:
    return [str(each) for each in field]
