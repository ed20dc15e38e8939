"""Paper, ink and two colours: what Gradio's own components look like here.

The rest of the look is in `assets/style.css`, which uses the same names.
"""

from __future__ import annotations

import gradio as gr

PAPER = "#fffaf0"
DESK = "#f4e9d4"
INK = "#2c2740"
FAINT = "#665d78"
LINE = "#cdbfa6"
RED = "#b23a26"
RED_DARK = "#8f2b1a"
TEAL = "#17615c"
YELLOW = "#f6d37a"


def make_theme() -> gr.themes.Base:
    """The theme of the studio."""
    theme = gr.themes.Base(
        font=["Nunito", "ui-rounded", "Segoe UI", "system-ui", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
        text_size=gr.themes.sizes.text_lg,
        radius_size=gr.themes.sizes.radius_lg,
    ).set(
        body_background_fill=DESK,
        body_text_color=INK,
        body_text_color_subdued=FAINT,
        background_fill_primary=PAPER,
        background_fill_secondary=DESK,
        border_color_primary=LINE,
        border_color_accent=TEAL,
        color_accent=TEAL,
        color_accent_soft="#dcebe4",
        link_text_color=TEAL,
        link_text_color_hover=INK,
        link_text_color_active=INK,
        link_text_color_visited=TEAL,
        block_background_fill="transparent",
        block_border_width="0px",
        block_shadow="none",
        block_padding="0px",
        block_label_background_fill="transparent",
        block_label_border_width="0px",
        block_label_text_color=INK,
        block_title_text_color=INK,
        block_title_text_weight="700",
        block_title_background_fill="transparent",
        block_info_text_color=FAINT,
        panel_background_fill="transparent",
        input_background_fill=PAPER,
        input_background_fill_focus="#ffffff",
        input_border_color=INK,
        input_border_color_focus=TEAL,
        input_border_width="2px",
        input_placeholder_color="#746b83",
        input_shadow="none",
        input_shadow_focus=f"0 0 0 3px {YELLOW}",
        button_border_width="2px",
        button_primary_background_fill=RED,
        button_primary_background_fill_hover=RED_DARK,
        button_primary_border_color=INK,
        button_primary_border_color_hover=INK,
        button_primary_text_color="#ffffff",
        button_primary_text_color_hover="#ffffff",
        button_secondary_background_fill=PAPER,
        button_secondary_background_fill_hover="#ffffff",
        button_secondary_border_color=INK,
        button_secondary_border_color_hover=INK,
        button_secondary_text_color=INK,
        button_secondary_text_color_hover=INK,
        button_large_text_weight="700",
        button_medium_text_weight="700",
        button_small_text_weight="700",
        button_transform_active="translateY(1px)",
        checkbox_background_color=PAPER,
        checkbox_background_color_selected=TEAL,
        checkbox_border_color=INK,
        checkbox_border_color_selected=INK,
        checkbox_border_width="2px",
        checkbox_label_background_fill="transparent",
        checkbox_label_background_fill_hover="transparent",
        checkbox_label_background_fill_selected="transparent",
        checkbox_label_border_width="0px",
        checkbox_label_padding="0px",
        checkbox_label_text_color=INK,
        slider_color=TEAL,
        loader_color=TEAL,
        stat_background_fill=TEAL,
    )
    # Paper does not turn black at night: the dark variant is the light one, on purpose.
    for name in [name for name in vars(theme) if name.endswith("_dark")]:
        setattr(theme, name, getattr(theme, name.removesuffix("_dark")))
    return theme
