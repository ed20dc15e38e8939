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
    """How a panel is written."""

    num_image_queries: int = 16
    """Image tokens per picture (Q)."""
    max_new_tokens: int = 160
    """Most text tokens of one panel."""
    end_phrase: str = "The end."
    """Last words of a finished tale; empty when the model has none."""
    next_tale_temperature: float = 0.8
    """Least temperature of a page after a tale's end that no reader begins, where the model chooses
    what the next one is about (but 0 stays 0); 0 is off."""
    answers_wishes: bool = False
    """Whether the model learned to answer wishes that are no part of a page. Then a reader's words
    that a picture book does not say, or that it cannot read, become wishes."""

    def __post_init__(self) -> None:
        """Refuse impossible numbers."""
        check_positive("generation", self, "num_image_queries", "max_new_tokens")
        value = self.next_tale_temperature
        check(0 <= value <= 5, f"generation.next_tale_temperature is {value}; it is from 0 to 5.")


@dataclass(frozen=True)
class SamplingConfig:
    """How words are chosen, where a reader asks for nothing else.

    These fields are the only place of their defaults, ranges, labels and meanings.
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
    """Word pieces in a row that may not occur twice in the visible story; 0 is off."""
    no_repeat_sentences: bool = True
    """Whether a sentence that stands in the story already is taken back for another one."""

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        check_settings("sampling", self)


@dataclass(frozen=True)
class MemoryConfig:
    """What of a story the language model keeps in view, where its reader chooses nothing else.

    Source: SEED-Story (arXiv:2407.08683), section 3.4; StreamingLLM (arXiv:2309.17453).
    """

    policy: str = "capped_multimodal_attention_sink"
    """One of `generation/policies.py`."""
    window_panels: int = setting(8, 1, 10_000)
    """Recent panels kept whole."""
    sink_positions: int = setting(4, 0, 100_000)
    """Rows kept at the very beginning of the story."""
    before_boi: int = setting(4, 0, 100_000)
    """Rows kept before an evicted picture's begin mark ..."""
    after_boi: int = setting(8, 0, 100_000)
    """... and from the mark on, the mark included."""
    before_eoi: int = setting(8, 0, 100_000)
    """Rows kept before an evicted picture's end mark ..."""
    after_eoi: int = setting(4, 0, 100_000)
    """... and from the mark on, the mark included."""
    max_rows: int = setting(640, 1, 10_000_000)
    """Most rows that the capped policy keeps of a story of any length. Ten panels of the tiny
    model's stories, which is what it was trained on, have about as many."""

    def __post_init__(self) -> None:
        """Refuse counts out of range."""
        check_settings("memory", self)


@dataclass
class HubSource:
    """One part of published weights: where it can be fetched and where it lies afterwards."""

    repo: str = ""
    """Repository on the Hugging Face hub; empty where nothing has to be fetched."""
    files: list[str] = field(default_factory=list)
    """Files or patterns (`*.safetensors`) to fetch from it."""
    weights_prefix: str = ""
    """Of shards, fetch only those with weights whose names begin so."""
    folder: str = ""
    """Where the files lie: a folder under `runtime.weights_folder` or anywhere, or the one file."""


@dataclass
class WeightsConfig:
    """In which form the weights come."""

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
        """Refuse unknown layouts."""
        check_one_of("weights.layout", self.layout, ["studio", "published"])
        check_positive("weights", self, "lora_alpha")


@dataclass
class RuntimeConfig:
    """The machine. Each of these may come from an environment variable, e.g. SEEDSTORY_DEVICE."""

    device: str = "auto"
    """`auto` takes a GPU when there is one; or `cpu`, `cuda`, `cuda:1`, `mps`."""
    dtype: str = "float32"
    """Number format of the running models: float32, bfloat16 or float16."""
    quantize: str = "none"
    """Weights of the language model's layers: `none` as `dtype` says, `int8`, or `nf4` (4 bits);
    needs the package bitsandbytes."""
    offload: list[str] = field(default_factory=list)
    """Which of `vision`, `story_lm` and `detokenizer` wait in main memory and come to the device
    only while they work, one at a time."""
    num_threads: int = 0
    """CPU threads; 0 leaves the choice to torch."""
    weights_folder: str = "assets/tiny"
    """Where the weights lie; relative paths start at the project's root, in a configuration file
    those that begin with `./` beside the file."""
    openings_folder: str = "assets/openings"
    """Pictures and sentences that the page offers to begin with; empty offers none."""
    stories_folder: str = "stories"
    """Where stories are saved: a folder or an fsspec address."""
    memory_budget_bytes: int = 256 * 2**20
    """Most bytes of kept keys and values per story; older panels are read again when needed."""
    memory_pool_bytes: int = 1024 * 2**20
    """Most bytes that all stories keep together; what was not used for longest is dropped first."""
    rest_seconds: float = 120.0
    """A story unused for this long leaves the accelerator and gives up its working buffers."""
    pack_at_rest: bool = False
    """Whether a resting story's keys and values are kept in 8 bits. They come back a little
    different, so that a panel may not be told again to the letter."""
    max_turns: int = 4
    """Turns that are told at once, in one batch; more wait in line. One at a time with an offloaded
    `story_lm`, which would otherwise change places with the painter at every word."""
    prefetch: bool = True
    """Whether the next page's words are written while its reader still looks at this one; never
    with an offloaded `story_lm`, for the same reason."""
    max_sessions: int = 32
    """Stories kept open at once."""
    session_timeout_seconds: float = 3600.0
    """A story unused for this long is closed; it stays on disk."""

    @property
    def turns_at_once(self) -> int:
        """How many turns are really told at once."""
        return 1 if "story_lm" in self.offload else self.max_turns

    @property
    def prefetches(self) -> bool:
        """Whether panels are really prefetched."""
        return self.prefetch and "story_lm" not in self.offload

    def __post_init__(self) -> None:
        """Refuse unknown number formats."""
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
            "max_sessions",
            "session_timeout_seconds",
        )
        check(self.num_threads >= 0, "runtime.num_threads must be 0 or more.")
        check(bool(self.stories_folder.strip()), "runtime.stories_folder is empty; name a folder.")
