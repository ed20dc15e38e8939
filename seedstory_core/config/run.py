"""How the models are used: sampling, memory, weights, and the machine."""

from __future__ import annotations

from dataclasses import dataclass, field

from seedstory_core.config.fields import (
    check,
    check_one_of,
    check_positive,
    check_settings,
    setting,
)


@dataclass
class GenerationConfig:
    """How the language model writes a panel."""

    num_image_queries: int = 16
    """Image queries per image (Q), a square number."""
    max_new_tokens: int = 160
    """Most text tokens of one panel."""
    end_phrase: str = "The end."
    """Last words of a finished tale; empty if the model has none."""
    next_tale_temperature: float = 0.8
    """Lowest temperature of a panel after a tale's end for which the reader wrote nothing, so that
    the model chooses the next tale's subject; a temperature of 0 stays 0, and 0 here is off."""
    answers_wishes: bool = False
    """Whether the model learned to answer wishes, which are no part of the panel's text. If so, a
    reader's words that no picture book says, or that the model cannot read, become wishes."""

    def __post_init__(self) -> None:
        """Refuse impossible numbers."""
        check_positive("generation", self, "num_image_queries", "max_new_tokens")
        value = self.next_tale_temperature
        check(
            0 <= value <= 5,
            f"generation.next_tale_temperature is {value}; it must be from 0 to 5.",
        )


@dataclass(frozen=True)
class SamplingConfig:
    """How the next token is chosen, unless a reader asks otherwise.

    Defaults, ranges, labels and meanings stand here and nowhere else.
    """

    temperature: float = setting(
        0.3,
        0,
        5,
        label="Temperature",
        step=0.05,
        shown=(0, 2),
        meaning="How daring the words are; 0 always takes the likeliest.",
    )
    top_p: float = setting(
        0.9,
        0.01,
        1,
        label="Top-p",
        step=0.05,
        shown=(0.05, 1),
        meaning="Choose among the likeliest words that make up this share; lower leaves out more.",
    )
    top_k: int = setting(
        0,
        0,
        1000,
        label="Top-k",
        shown=(0, 100),
        meaning="Choose only among this many likeliest words; 0 is all.",
    )
    repetition_penalty: float = setting(
        1.0,
        0.5,
        5,
        label="Repetition penalty",
        step=0.05,
        shown=(0.8, 2),
        meaning="Above 1, words of the page are less likely to come again.",
    )
    no_repeat_ngram_size: int = setting(0, 0, 1000)
    """Length of the token sequences that may not occur twice in the story that the model sees; 0
    is off."""
    no_repeat_sentences: bool = True
    """Whether a sentence that the story already contains is replaced by another one."""

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        check_settings("sampling", self)


@dataclass(frozen=True)
class MemoryConfig:
    """Which rows of a story the language model sees, unless the reader chooses another policy.

    Source: SEED-Story (arXiv:2407.08683), section 3.4; StreamingLLM (arXiv:2309.17453).
    """

    policy: str = "capped_multimodal_attention_sink"
    """Name of a memory policy in `generation/policies.py`."""
    window_panels: int = setting(8, 1, 10_000)
    """Recent panels kept whole."""
    sink_positions: int = setting(4, 0, 100_000)
    """Rows kept at the very beginning of the story."""
    before_boi: int = setting(4, 0, 100_000)
    """Rows kept before an evicted image's BOI."""
    after_boi: int = setting(8, 0, 100_000)
    """Rows kept from an evicted image's BOI on, BOI included."""
    before_eoi: int = setting(8, 0, 100_000)
    """Rows kept before an evicted image's EOI."""
    after_eoi: int = setting(4, 0, 100_000)
    """Rows kept from an evicted image's EOI on, EOI included."""
    max_rows: int = setting(640, 1, 10_000_000)
    """Most rows that the capped policy keeps, however long the story. The tiny model was trained on
    stories of ten panels, which have about as many."""

    def __post_init__(self) -> None:
        """Refuse counts out of range."""
        check_settings("memory", self)


@dataclass
class HubSource:
    """One part of published weights: where to fetch it from and where to keep it."""

    repo: str = ""
    """Repository on the Hugging Face hub; empty if nothing has to be fetched."""
    files: list[str] = field(default_factory=list)
    """Files or patterns (`*.safetensors`) to fetch from it."""
    weights_prefix: str = ""
    """Fetch only the shards that hold weights whose names begin so."""
    folder: str = ""
    """Folder or single file that holds the weights: absolute, or under `runtime.weights_folder`."""


@dataclass
class WeightsConfig:
    """Layout and sources of the weights."""

    layout: str = "studio"
    """`studio`: our own safetensors files; `published`: the files of the SEED-Story release."""
    lora_alpha: float = 32.0
    """Published layout: LoRA's alpha; its deltas are scaled by alpha / rank."""
    tokenizer: HubSource = field(default_factory=HubSource)
    story_model: HubSource = field(default_factory=HubSource)
    language_model: HubSource = field(default_factory=HubSource)
    vision: HubSource = field(default_factory=HubSource)
    stable_diffusion: HubSource = field(default_factory=HubSource)
    detokenizer: HubSource = field(default_factory=HubSource)
    preview: HubSource = field(default_factory=HubSource)

    def __post_init__(self) -> None:
        """Refuse unknown layouts and impossible numbers."""
        check_one_of("weights.layout", self.layout, ["studio", "published"])
        check_positive("weights", self, "lora_alpha")


@dataclass
class RuntimeConfig:
    """The machine. Each setting may come from an environment variable, such as SEEDSTORY_DEVICE."""

    device: str = "auto"
    """`auto` (a GPU if there is one), `cpu`, `cuda`, `cuda:1` or `mps`."""
    dtype: str = "float32"
    """Number format of the running models: float32, bfloat16 or float16."""
    quantize: str = "none"
    """Format of the weights of the language model's layers: `none` (as `dtype`), `int8` or `nf4`
    (4 bits); the last two need the package bitsandbytes."""
    offload: list[str] = field(default_factory=list)
    """Which of `vision`, `story_lm` and `detokenizer` stay in main memory and come to the device
    only while they work, one at a time."""
    num_threads: int = 0
    """CPU threads; 0 leaves the choice to torch."""
    weights_folder: str = "assets/tiny"
    """Folder of the weights. Relative paths start at the project's root; in a configuration file,
    those that begin with `./` start at the file's folder."""
    openings_folder: str = "assets/openings"
    """Folder of the images and sentences that the page offers as openings; empty offers none."""
    stories_folder: str = "stories"
    """Where stories are saved: a folder or an fsspec address."""
    memory_budget_bytes: int = 256 * 2**20
    """Most bytes of cached keys and values per story; dropped panels are read again when needed."""
    memory_pool_bytes: int = 1024 * 2**20
    """Most bytes of cached keys and values of all stories; the least recently used go first."""
    rest_seconds: float = 120.0
    """Seconds without use after which a story's cache leaves the accelerator and its working
    buffers are freed."""
    pack_at_rest: bool = False
    """Whether the keys and values of a story at rest are packed into 8 bits. They come back
    slightly changed, so a panel made again may differ in some words."""
    max_turns: int = 4
    """Turns that run at once, in one batch; more wait in the queue. With an offloaded `story_lm`
    one runs at a time: otherwise it and the de-tokenizer would be swapped for every token."""
    prefetch: bool = True
    """Whether the next panel's text is written while the reader looks at this one; never with an
    offloaded `story_lm`, for the same reason."""
    hosts: list[str] = field(default_factory=list)
    """Names under which a page may reach this studio (`stories.example.org`, `*.example.org`),
    beside local names and bare addresses; `*` is every name. Pages of these sites may also send
    requests. Hugging Face Spaces and the links of `--share` need no entry."""
    frame_ancestors: list[str] = field(default_factory=list)
    """Sites that may show the page in a frame, such as `https://example.org`, beside the studio
    itself; on Hugging Face Spaces, huggingface.co may."""
    public: bool | None = None
    """Whether strangers use this studio. If so, the `visitor_` settings below limit what each
    network address may ask for; unset, they do so on Hugging Face Spaces only."""
    visitor_turns: int = 3
    """Most turns of one visitor that wait or run at a time, over all stories."""
    visitor_uploads: int = 40
    """Most files that one visitor may upload within ten minutes."""
    visitor_upload_bytes: int = 200 * 2**20
    """Most bytes that one visitor may upload within ten minutes."""
    visitor_exports: int = 2
    """Most exports that are made for one visitor at a time."""
    max_sessions: int = 32
    """Most stories open at once."""
    session_timeout_seconds: float = 3600.0
    """Seconds without use after which a story is closed; it stays on disk."""

    @property
    def turns_at_once(self) -> int:
        """Turns that run at once: `max_turns`, or 1 with an offloaded `story_lm`."""
        return 1 if "story_lm" in self.offload else self.max_turns

    @property
    def prefetches(self) -> bool:
        """Whether panels are prefetched: `prefetch`, and `story_lm` is not offloaded."""
        return self.prefetch and "story_lm" not in self.offload

    def __post_init__(self) -> None:
        """Refuse unknown choices and impossible numbers."""
        check_one_of("runtime.dtype", self.dtype, ["float32", "bfloat16", "float16"])
        check_one_of("runtime.quantize", self.quantize, ["none", "int8", "nf4"])
        for part in self.offload:
            check_one_of("runtime.offload", part, ["vision", "story_lm", "detokenizer"])
        check(
            self.quantize != "int8" or "story_lm" not in self.offload,
            "runtime.quantize=int8 and an offloaded story_lm do not go together: bitsandbytes "
            "keeps 8-bit weights where they were made. Set runtime.quantize=nf4.",
        )
        check_positive(
            "runtime",
            self,
            "memory_budget_bytes",
            "memory_pool_bytes",
            "rest_seconds",
            "max_turns",
            "visitor_turns",
            "visitor_uploads",
            "visitor_upload_bytes",
            "visitor_exports",
            "max_sessions",
            "session_timeout_seconds",
        )
        check(
            self.num_threads >= 0,
            f"runtime.num_threads is {self.num_threads}; it must be 0 or more.",
        )
        check(bool(self.stories_folder.strip()), "runtime.stories_folder is empty; name a folder.")


OF_ONE_MACHINE = (
    "device",
    "num_threads",
    "weights_folder",
    "openings_folder",
    "stories_folder",
    "hosts",
    "frame_ancestors",
    "public",
    "visitor_turns",
    "visitor_uploads",
    "visitor_upload_bytes",
    "visitor_exports",
)
"""Settings of `RuntimeConfig` that name a machine, places on it, sites or visitors. The others
belong to the model as much as to the machine: they say what it needs, and are kept beside converted
weights."""
