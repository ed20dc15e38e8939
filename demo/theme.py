"""The theme of Gradio's own components: paper, ink and two colours.

The rest of the look is in `assets/style.css`, which uses the same colours (`assets/palette.json`).
"""

from __future__ import annotations

import gradio as gr

from seedstory_core import load_palette


def make_theme() -> gr.themes.Base:
    """Return the theme of the studio; its colours are those of the light that is chosen."""
    colour = {name: f"var(--{name})" for name in load_palette("page")}
    theme = gr.themes.Base(
        font=["Nunito", "ui-rounded", "Segoe UI", "system-ui", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
        text_size=gr.themes.sizes.text_lg,
        radius_size=gr.themes.sizes.radius_lg,
    ).set(
        body_background_fill=colour["desk"],
        body_text_color=colour["ink"],
        body_text_color_subdued=colour["faint"],
        background_fill_primary=colour["paper"],
        background_fill_secondary=colour["desk"],
        border_color_primary=colour["line"],
        border_color_accent=colour["teal"],
        color_accent=colour["teal"],
        color_accent_soft=colour["mint"],
        link_text_color=colour["teal"],
        link_text_color_hover=colour["ink"],
        link_text_color_active=colour["ink"],
        link_text_color_visited=colour["teal"],
        block_background_fill="transparent",
        block_border_width="0px",
        block_shadow="none",
        block_padding="0px",
        block_label_background_fill="transparent",
        block_label_border_width="0px",
        block_label_text_color=colour["ink"],
        block_title_text_color=colour["ink"],
        block_title_text_weight="700",
        block_title_background_fill="transparent",
        block_info_text_color=colour["faint"],
        panel_background_fill="transparent",
        input_background_fill=colour["paper"],
        input_background_fill_focus=colour["white"],
        input_border_color=colour["ink"],
        input_border_color_focus=colour["teal"],
        input_border_width="2px",
        input_placeholder_color=colour["pencil"],
        input_shadow="none",
        input_shadow_focus=f"0 0 0 3px {colour['yellow']}",
        button_border_width="2px",
        button_primary_background_fill=colour["red"],
        button_primary_background_fill_hover=colour["red-dark"],
        button_primary_border_color=colour["ink"],
        button_primary_border_color_hover=colour["ink"],
        button_primary_text_color=colour["on-red"],
        button_primary_text_color_hover=colour["on-red"],
        button_secondary_background_fill=colour["paper"],
        button_secondary_background_fill_hover=colour["white"],
        button_secondary_border_color=colour["ink"],
        button_secondary_border_color_hover=colour["ink"],
        button_secondary_text_color=colour["ink"],
        button_secondary_text_color_hover=colour["ink"],
        button_large_text_weight="700",
        button_medium_text_weight="700",
        button_small_text_weight="700",
        button_transform_active="translateY(1px)",
        checkbox_background_color=colour["paper"],
        checkbox_background_color_selected=colour["teal"],
        checkbox_border_color=colour["ink"],
        checkbox_border_color_selected=colour["ink"],
        checkbox_border_width="2px",
        checkbox_label_background_fill="transparent",
        checkbox_label_background_fill_hover="transparent",
        checkbox_label_background_fill_selected="transparent",
        checkbox_label_border_width="0px",
        checkbox_label_padding="0px",
        checkbox_label_text_color=colour["ink"],
        slider_color=colour["teal"],
        loader_color=colour["teal"],
        stat_background_fill=colour["teal"],
    )
    # Our own colours change with the light, so Gradio's dark variant is the same theme.
    for name in [name for name in vars(theme) if name.endswith("_dark")]:
        setattr(theme, name, getattr(theme, name.removesuffix("_dark")))
    return theme
