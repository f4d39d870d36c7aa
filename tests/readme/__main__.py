"""Write the marked blocks of the README and of what was measured anew: `python -m tests.readme`."""

from tests.readme.blocks import DOCUMENTS, with_blocks

for document in DOCUMENTS:
    document.write_text(with_blocks(document), encoding="utf-8")
