"""The few rules that the theme in `.streamlit/config.toml` cannot say, each tied to a container's key."""

from __future__ import annotations

import streamlit as st

STYLE = """
<style>
/* The face stays in view while its sliders scroll past, beside them or, on a phone, below them. */
[data-testid="stColumn"]:has(.st-key-portrait) { position: sticky; top: 4.2rem; align-self: flex-start; z-index: 5; }
.st-key-current img, .st-key-beginning img { width: 100%; aspect-ratio: 1; }
.st-key-current img { border-radius: 14px; box-shadow: 0 10px 28px -14px rgb(0 0 0 / 0.4); }
.st-key-beginning img { border-radius: 10px; }

/* A dimension: its reset button sits in the slider's title line and shows only where there is something to reset. */
[class*="st-key-dimension-"] { position: relative; }
[class*="st-key-dimension-"] [data-testid="stSlider"] { margin-bottom: -0.45rem; }
[class*="st-key-studio-dim-"][class*="-reset"] { position: absolute; top: -0.55rem; right: 0; width: auto; }
[class*="st-key-studio-dim-"][class*="-reset"] button:disabled { visibility: hidden; }

/* Numbers are read, not pressed: text colour, so that they keep their contrast in the dark. */
[data-testid="stSliderThumbValue"] { color: inherit; font-variant-numeric: tabular-nums; }

@media (max-width: 640px) {
  h1 { font-size: 1.6rem !important; }
  .st-key-intro p { font-size: 0.95rem; line-height: 1.45; }
  /* Words and buttons first, so that only the two pictures are left when the rest has scrolled away. */
  .st-key-portrait > :has(.st-key-current) { order: 1; }
  [data-testid="stColumn"]:has(.st-key-portrait) {
    top: -2.4rem; margin-bottom: -2rem; padding-bottom: 0.5rem; background: light-dark(#fbfaf8, #151716);
  }
  .st-key-current { max-width: 56vw; }
}
</style>
"""


def apply_style() -> None:
    """Add the rules to the page."""
    st.html(STYLE)
