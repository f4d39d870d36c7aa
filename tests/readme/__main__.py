"""Write the README's marked blocks anew: `python -m tests.readme`."""

from tests.readme.blocks import with_blocks
from tests.readme.places import README

README.write_text(with_blocks(README.read_text(encoding="utf-8")), encoding="utf-8")
