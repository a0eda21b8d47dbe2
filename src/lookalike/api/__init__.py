"""What the command line, the studio and `import lookalike` call: the one door to all rooms.

    recipes     a recipe and its run
    tables      tables: read, learned, drawn
    folders     what a finished run is worth, and where it goes
    listing     the kinds that are installed

Names load on first use, so that a command starts without what it does not need. Values of other rooms that a surface holds in its hands
(options, progress, a report) pass through here too: a surface imports nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lookalike.api.folders import compare_reports as compare_reports
    from lookalike.api.folders import export as export
    from lookalike.api.folders import measure as measure
    from lookalike.api.folders import report as report
    from lookalike.api.folders import seal as seal
    from lookalike.api.folders import verify as verify
    from lookalike.api.listing import explain as explain
    from lookalike.api.listing import kinds as kinds
    from lookalike.api.recipes import default_folder as default_folder
    from lookalike.api.recipes import demo_recipe as demo_recipe
    from lookalike.api.recipes import fields as fields
    from lookalike.api.recipes import load as load
    from lookalike.api.recipes import make as make
    from lookalike.api.recipes import new as new
    from lookalike.api.recipes import plan as plan
    from lookalike.api.recipes import preview as preview
    from lookalike.api.recipes import run as run
    from lookalike.api.recipes import settings as settings
    from lookalike.api.recipes import so_far as so_far
    from lookalike.api.recipes import tune as tune
    from lookalike.api.recipes import write_json_schema as write_json_schema
    from lookalike.api.tables import fit as fit
    from lookalike.api.tables import is_dataset as is_dataset
    from lookalike.api.tables import look as look
    from lookalike.api.tables import mimic as mimic
    from lookalike.api.tables import mimic_file as mimic_file
    from lookalike.api.tables import read as read
    from lookalike.api.tables import relations as relations
    from lookalike.api.tables import sample as sample
    from lookalike.databases import mimic_dataset as mimic_dataset
    from lookalike.databases import relations_of as relations_of
    from lookalike.databases import write_schema as write_schema
    from lookalike.evaluate.evaluate import evaluate as evaluate
    from lookalike.evaluate.report import Report as Report
    from lookalike.export.sign import check_key as check_key
    from lookalike.export.tables import WRITERS as WRITERS
    from lookalike.export.tables import write_table as write_table
    from lookalike.models import catalogue as catalogue
    from lookalike.models import trial as trial
    from lookalike.models.lane import LaneState as LaneState
    from lookalike.run.engine import Options as Options
    from lookalike.run.engine import Progress as Progress
    from lookalike.run.events import Counts as Counts
    from lookalike.run.events import Event as Event
    from lookalike.run.events import Listener as Listener
    from lookalike.run.executors import Shard as Shard
    from lookalike.run.folder import RunFolder as RunFolder
    from lookalike.run.preview import Previewed as Previewed
    from lookalike.run.preview import PreviewedCall as PreviewedCall
    from lookalike.sources.base import filled as filled
    from lookalike.store import check_writable as check_writable
    from lookalike.synthesizers.pseudonyms.pseudonymise import UNTIED as UNTIED
    from lookalike.synthesizers.pseudonyms.pseudonymise import Replaced as Replaced
    from lookalike.synthesizers.pseudonyms.pseudonymise import replace_all as replace_all
    from lookalike.synthesizers.watch import watched as watched

_NAMES: dict[str, str] = {
    "Counts": "lookalike.run.events",
    "Event": "lookalike.run.events",
    "LaneState": "lookalike.models.lane",
    "Listener": "lookalike.run.events",
    "Options": "lookalike.run.engine",
    "Previewed": "lookalike.run.preview",
    "Progress": "lookalike.run.engine",
    "Replaced": "lookalike.synthesizers.pseudonyms.pseudonymise",
    "Report": "lookalike.evaluate.report",
    "RunFolder": "lookalike.run.folder",
    "PreviewedCall": "lookalike.run.preview",
    "Shard": "lookalike.run.executors",
    "UNTIED": "lookalike.synthesizers.pseudonyms.pseudonymise",
    "WRITERS": "lookalike.export.tables",
    "check_key": "lookalike.export.sign",
    "check_writable": "lookalike.store",
    "compare_reports": "lookalike.api.folders",
    "default_folder": "lookalike.api.recipes",
    "demo_recipe": "lookalike.api.recipes",
    "evaluate": "lookalike.evaluate.evaluate",
    "explain": "lookalike.api.listing",
    "export": "lookalike.api.folders",
    "fields": "lookalike.api.recipes",
    "filled": "lookalike.sources.base",
    "fit": "lookalike.api.tables",
    "is_dataset": "lookalike.api.tables",
    "kinds": "lookalike.api.listing",
    "load": "lookalike.api.recipes",
    "look": "lookalike.api.tables",
    "make": "lookalike.api.recipes",
    "measure": "lookalike.api.folders",
    "mimic": "lookalike.api.tables",
    "mimic_dataset": "lookalike.databases",
    "mimic_file": "lookalike.api.tables",
    "new": "lookalike.api.recipes",
    "plan": "lookalike.api.recipes",
    "preview": "lookalike.api.recipes",
    "read": "lookalike.api.tables",
    "relations": "lookalike.api.tables",
    "relations_of": "lookalike.databases",
    "replace_all": "lookalike.synthesizers.pseudonyms.pseudonymise",
    "report": "lookalike.api.folders",
    "run": "lookalike.api.recipes",
    "sample": "lookalike.api.tables",
    "seal": "lookalike.api.folders",
    "settings": "lookalike.api.recipes",
    "so_far": "lookalike.api.recipes",
    "tune": "lookalike.api.recipes",
    "verify": "lookalike.api.folders",
    "watched": "lookalike.synthesizers.watch",
    "write_json_schema": "lookalike.api.recipes",
    "write_schema": "lookalike.databases",
    "write_table": "lookalike.export.tables",
}
_MODULES: dict[str, str] = {"catalogue": "lookalike.models.catalogue", "trial": "lookalike.models.trial"}


def __getattr__(name: str) -> Any:  # any name of the table
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name in _NAMES:
        value = getattr(import_module(_NAMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'lookalike.api' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*_NAMES, *_MODULES])
