"""The few rules that the theme in `.streamlit/config.toml` cannot say, each tied to a container's key."""

from __future__ import annotations

import streamlit as st

STYLE = """
<style>
.st-key-current img { border-radius: 14px; box-shadow: 0 10px 28px -14px rgb(0 0 0 / 0.4); }
.st-key-current img, .st-key-beginning img { width: 100%; aspect-ratio: 1; }

/* Numbers are read, not pressed: text colour, so that they keep their contrast in the dark. */
[data-testid="stSliderThumbValue"] { color: inherit; font-variant-numeric: tabular-nums; }

/* Likewise the chosen one of several. As tall as the fields beside them, which is enough for a finger. */
[data-testid="stButtonGroup"] button:is([aria-checked="true"], [aria-pressed="true"], [aria-selected="true"]),
[data-testid="stButtonGroup"] button:is([aria-checked="true"], [aria-pressed="true"], [aria-selected="true"]) * {
  color: inherit !important;
}
[data-testid="stButtonGroup"] button { min-height: 2.5rem !important; }
/* Four to a thumbnail's width: each as wide as that allows, and high enough for a finger. */
.st-key-bench-tray [data-testid="stButton"] { flex: 1 1 0; min-width: 0; width: 25% !important; }
.st-key-bench-tray button { width: 100%; min-width: 0; min-height: 2.25rem; padding: 0; }
/* Their words are there to be read aloud: the icon says the same to the eye. */
.st-key-bench-tray button [data-testid="stMarkdownContainer"] {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
}

/* The grey that charts come with is too pale to be read on a light page. */
.js-plotly-plot :is(.xtick, .ytick, .g-xtitle, .g-ytitle, .colorbar) text,
.js-plotly-plot text.bartext-outside { fill: currentColor !important; }

@media (max-width: 640px) {
  h1 { font-size: 1.6rem !important; }
  /* Options that do not fit beside each other stand beneath, rather than scroll out of sight. */
  [data-testid="stButtonGroup"] > [role="radiogroup"] { flex-wrap: wrap; gap: 0.35rem; }
  [data-testid="stButtonGroup"] > [role="radiogroup"] button { border-radius: 8px !important; }
  .st-key-intro p { font-size: 0.95rem; line-height: 1.45; }
}
</style>
"""


def apply_style() -> None:
    """Add the rules to the page."""
    st.html(STYLE)
