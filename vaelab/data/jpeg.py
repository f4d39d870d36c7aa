"""Finds JPEG files that end early but carry an end marker: libjpeg fills their rest with grey and says
nothing.

Pillow refuses a file that stops in the middle. A file that was cut and then closed with an end-of-image
marker (half-written downloads repaired by tools, joined parts) decodes without an error, its lower part
uniform grey. libjpeg knows (it warns "premature end of data segment") but Pillow does not pass the warning
on.
"""

from __future__ import annotations

import re

_SCAN_END = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # not a stuffed byte (00), a restart (D0-D7) or a fill byte (FF)
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_PROGRESSIVE_FRAMES = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_END_OF_IMAGE = 0xD9
_START_OF_SCAN = 0xDA
# Any bits will do, as long as they are no marker and decode to something other than flat grey.
_PROBE = bytes([0x5A, 0xA5, 0x3C, 0x96]) * 64


def with_probe(data: bytes) -> tuple[bytes, bool] | None:
    """The file with extra coded bits put before its end marker, and whether it is progressive.

    A complete scan never looks at bits after its last block, so its picture stays the same; a scan that ended
    early takes them for the missing blocks, and the picture changes.

    Returns:
        None where the file has no well-formed end marker (then Pillow's own check for truncation speaks).
    """
    position = 2
    progressive = False
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            return None
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker == _END_OF_IMAGE:
            return data[:position] + _PROBE + data[position:], progressive
        if marker in _STANDALONE:
            position += 2
            continue
        progressive = progressive or marker in _PROGRESSIVE_FRAMES
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if marker == _START_OF_SCAN:
            end = _SCAN_END.search(data, position)
            if end is None:
                return None
            position = end.start()
            if data[position + 1] == _END_OF_IMAGE:
                return data[:position] + _PROBE + data[position:], progressive
    return None
