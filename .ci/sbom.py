"""The bill of materials of a requirements file, by cyclonedx-bom, on standard output: no path, time, serial number or address of a registry in it.

What a component can be downloaded as is named by its package URL and the SHA-256 of every artefact that may be installed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

made = subprocess.run(
    [str(Path(sys.executable).with_name("cyclonedx-py")), "requirements", sys.argv[1], "--output-reproducible", "--output-format", "JSON"],
    check=True,
    stdout=subprocess.PIPE,
    stderr=subprocess.DEVNULL,
)
bill = json.loads(made.stdout)
for one in bill["components"]:
    one["bom-ref"] = one["purl"]
    del one["description"]  # the line of the file, hashes and all
    for reference in one.get("externalReferences", ()):
        reference["url"] = one["purl"]
        reference.pop("comment", None)
for tool in bill["metadata"]["tools"]["components"]:
    tool.pop("externalReferences", None)
bill["dependencies"] = [{"ref": one["bom-ref"]} for one in bill["components"]]
json.dump(bill, sys.stdout, indent=1, sort_keys=True)
print()
