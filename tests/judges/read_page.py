"""Read the page of a post with commonmeta-py, which Rogue Scholar uses, and print what it makes of it."""

import json
import sys
from pathlib import Path

from commonmeta import Metadata
from commonmeta.readers.schema_org_reader import parse_schema_org_html

file, address = sys.argv[1:]
found = Metadata(parse_schema_org_html(Path(file).read_text("utf-8"), address), via="schema_org")
json.dump({name: value for name, value in vars(found).items() if value}, sys.stdout, default=str)
