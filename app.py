"""SEED-Story Studio: read the config, build the engine, launch the page.

    python app.py
    python app.py --config configs/seed_story_7b.yaml --set runtime.device=cuda

Environment variables: `SEEDSTORY_<SETTING>` for everything under `runtime` (for example
`SEEDSTORY_STORIES_FOLDER`), `SEEDSTORY_SET` for all other settings, as after `--set`,
`SEEDSTORY_CONFIG` for a configuration file, and Gradio's own `GRADIO_SERVER_NAME`,
`GRADIO_SERVER_PORT`, `GRADIO_SHARE`, `GRADIO_ROOT_PATH`.
"""

from __future__ import annotations

import sys

from demo.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
