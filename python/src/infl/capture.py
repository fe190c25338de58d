"""Capture: streams what infl needs of a PyTorch model into a capture folder."""
import contextlib
import hashlib
import json
import os
import time

import torch

from .basis import Basis
from .collect import DTYPES, Collector
from .layout import LEVELS, Layout
from .project import Projection
from .shards import SUFFIX, ShardWriter, file_xxh3, read_header, read_ids, shard_name, write_json

MANIFEST, UNFINISHED = "manifest.json", "manifest.part.json"


class Capture:
    """Captures one split of one data set at one checkpoint into the folder out.

        with infl.Capture(model, "capture/train", split="train") as cap:
            for b in loader:
                with cap.batch(ids=b["id"], mask=b["mask"]) as batch:
                    batch.backward(loss(model(b["x"]), b["y"]))   # [B], sums over positions

    level       "rows": inputs and gradients of outputs; "grads": a gradient matrix for
                each example; "projected": its projection; "factors": sums of outer
                products of rows, of all examples together; "last_layer": rows of the
                last linear map alone, with its outputs and, where backward is given
                them, labels. Gradients of parameters are never formed for the batch.
    projection  of level projected: "4096", "4096:rademacher", … or a dict of kind, size
                and seed; as infl score --projection
    basis       of level factors: a folder of infl fit --method kfac, in whose eigenbases
                squares of gradients are summed, for infl fit --method ekfac
    dtype       F64, F32, BF16 or F16, of what is stored
    modules     which modules; by default the linear maps and convolutions that
                are trained; "*.mlp.*|*.attn.*", a list of such patterns, or a
                function of name and module. What is not captured is warned of.
    labels      "dataset", or "sampled": then labels come from Batch.sample, and seed
                is recorded
    checkpoint  dict of id, step, lr, weight
    resume      continue what a killed run left: finished batches answer False to
                cap.missing(ids) and need not be run again
    fingerprint identifies the weights; by default the SHA-256 of all of them

    The model is in eval mode with frozen parameters while the capture is open. On
    leaving the block, the manifest is written, which makes the folder a capture; after
    an exception it is not, and finished shards stay for resume=True.
    """

    def __init__(self, model, out, split="train", level="rows", dtype="F32", modules=None, loss="cross_entropy", labels="dataset", seed=0,
                 measurement="loss", checkpoint=None, dataset=None, resume=False, fingerprint=None, shard_bytes=256 << 20, projection=None, basis=None):
        if level not in LEVELS:
            raise ValueError(f"level is {level!r}, not one of {', '.join(LEVELS)}")
        if dtype not in DTYPES:
            raise ValueError(f"dtype is {dtype!r}, not one of {', '.join(DTYPES)}")
        if labels not in ("dataset", "sampled"):
            raise ValueError(f"labels is {labels!r}, not 'dataset' or 'sampled'")
        if (level == "projected") != (projection is not None):
            raise ValueError(f"level is {level!r}, projection {projection!r}; level 'projected' has one, and no other level")
        if basis is not None and level != "factors":
            raise ValueError(f"level is {level!r}; a basis is for level 'factors'")
        projection = None if projection is None else Projection(projection)
        basis = None if basis is None else Basis(basis)
        os.makedirs(out, exist_ok=True)
        if os.path.exists(os.path.join(out, MANIFEST)):
            raise FileExistsError(f"{out} holds a finished capture")
        self.out, self.shard_bytes, self.seed = out, shard_bytes, seed
        self._finished, self._template = self._find_finished(resume), None
        self.ids = {i for ids, _ in self._finished for i in ids}
        self.collector = Collector(model, modules, last=level == "last_layer")
        self.layout = Layout(self.collector.sites, level, dtype, projection, basis)
        loss_block = {"name": loss, "reduction": "sum", "labels": labels, "measurement": measurement, "loss_scale": 1.0}
        if labels == "sampled":
            loss_block["seed"] = seed
        self._head = {
            "format": "infl-capture", "version": 1, "level": level, "dtype": dtype, "split": split,
            "model": {"name": type(self.collector.model).__name__, "fingerprint": fingerprint or weights_sha256(self.collector.model)},
            "loss": loss_block, "checkpoint": checkpoint or {}, "dataset": dataset or {},
        }
        if level != "factors":  # whose sums have the 1
            self._head["bias_column"] = "not stored; the engine appends 1 as the LAST input column"
        self.coverage = self.collector.coverage
        self.report = {"examples": 0, "bytes": 0, "seconds": 0.0}
        self._writer, self._busy, self._start = None, False, time.perf_counter()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        try:
            if kind is None:
                self._commit()
            elif self._writer is not None:
                with contextlib.suppress(Exception):  # the first error is the one to see
                    self._writer.close(keep=False)
        finally:
            self.collector.close()

    def missing(self, ids):
        """Reports whether a batch still has to be run: not all of its keys are stored."""
        return not all(int(i) in self.ids for i in ids)

    @contextlib.contextmanager
    def batch(self, ids, mask=None):
        """Captures a batch: its examples' keys (integers), and which positions are real.

        mask is [B, T] of bool or integers 0 and 1; masked positions are left out. The
        loss belongs to the caller: positions without a label simply add nothing to it.
        """
        if self._busy:
            raise RuntimeError("a batch is being captured already")
        ids = [int(i) for i in ids]
        new = set()
        for i in ids:
            if i in self.ids or i in new:
                raise ValueError(f"the key {i} stands twice")
            new.add(i)
        mask = checked_mask(mask, len(ids))
        batch = Batch(self.seed, ids)
        self._busy = True
        self.collector.begin()
        try:
            yield batch
            if batch.loss is None:
                raise ValueError("batch.backward was not called")
            self._emit(batch, mask)
        finally:
            self._busy, self.collector.calls = False, None

    def _emit(self, batch, mask):
        tensors = self.layout.tensors(self.collector.end(), batch, mask)
        if self._writer is None:
            self._begin()
        self._writer.put(len(batch.ids), tensors)
        if self.layout.sums is not None and self.layout.sums.full(self.shard_bytes):
            self._end_shard()
        self.ids.update(batch.ids)
        self.report["examples"] += len(batch.ids)
        self.report["bytes"] += sum(array.nbytes for _, array in tensors.values())

    def _end_shard(self):
        """Ends a shard with the sums of its examples."""
        self._writer.put(0, self.layout.sums.take(), ends=True)

    def _begin(self):
        """Starts the writer once the shapes are known."""
        if self.layout.basis is not None:
            self.layout.basis.check(self.layout.sites, self._head["model"]["fingerprint"])
        template = {**self._head, **self.layout.manifest(), "coverage": self.coverage}
        identity = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()
        for _, metadata in self._finished:
            if metadata.get("manifest") != identity:
                raise ValueError(f"{self.out} was begun with another manifest; capture into another folder")
        write_json(os.path.join(self.out, UNFINISHED), template)
        self._template = template
        limit = self.shard_bytes if self.layout.sums is None else float("inf")
        self._writer = ShardWriter(self.out, limit, len(self._finished), {"format": "infl-capture", "manifest": identity})

    def _find_finished(self, resume):
        found = []
        while os.path.exists(path := os.path.join(self.out, shard_name(len(found)))):
            if not resume:
                raise FileExistsError(f"{self.out} holds an unfinished capture; resume=True continues it")
            found.append((read_ids(path), read_header(path)[0].get("__metadata__", {})))
        return found

    def _commit(self):
        if self.layout.sums is not None and self.layout.sums.sums:
            self._end_shard()
        shards = self._writer.close() if self._writer is not None else []
        template = self._template
        if template is None:
            part = os.path.join(self.out, UNFINISHED)
            if not self._finished or not os.path.exists(part):
                raise ValueError("nothing was captured")
            with open(part) as f:
                template = json.load(f)
        before = []
        for k, (ids, _) in enumerate(self._finished):
            file = shard_name(k)
            before.append({"file": file, "n": len(ids), "xxh3": file_xxh3(os.path.join(self.out, file))})
        first, listed = 0, []
        for s in before + shards:
            listed.append({"file": s["file"], "first": first, "n": s["n"], "xxh3": s["xxh3"]})
            first += s["n"]
        write_json(os.path.join(self.out, MANIFEST), {**template, "n": first, "shards": listed})
        for name in (UNFINISHED, UNFINISHED + SUFFIX):
            with contextlib.suppress(FileNotFoundError):
                os.remove(os.path.join(self.out, name))
        self.report["seconds"] = time.perf_counter() - self._start


class Batch:
    """What the caller does with a batch that is being captured."""

    def __init__(self, seed, ids):
        self.seed, self.ids = seed, ids
        self.loss, self.tokens, self.labels, self.scale = None, None, None, 1.0

    def backward(self, loss, tokens=None, scale=1.0, labels=None):
        """Runs the backward pass of one loss for each example, [B], each a sum.

        tokens are the label positions of each example (1 by default); scale is that of
        an AMP scaler: the loss is multiplied by it, the gradients divided again; labels
        are the classes of the examples, [B], which level last_layer stores.
        """
        if loss.dim() != 1 or len(loss) != len(self.ids):
            raise ValueError(f"the loss has the shape {tuple(loss.shape)}; one loss for each of the {len(self.ids)} examples is needed, summed over its positions")
        if self.loss is not None:
            raise RuntimeError("batch.backward was called twice")
        self.loss, self.tokens, self.labels, self.scale = loss.detach(), tokens, labels, float(scale)
        (loss.sum() * self.scale).backward()

    @torch.no_grad()
    def sample(self, logits, labels=None, ignore_index=-100):
        """Draws labels from the model's own prediction, softmax of [B, ..., C].

        Positions whose label is ignore_index stay so. What is drawn depends on the
        capture's seed and the example's key, not on the batch.
        """
        drawn = []
        for key, row in zip(self.ids, logits.detach()):
            generator = torch.Generator().manual_seed(int.from_bytes(hashlib.sha256(f"{self.seed} {key}".encode()).digest()[:8], "little") >> 1)
            p = torch.softmax(row.reshape(-1, row.shape[-1]).double().cpu(), -1)
            drawn.append(torch.multinomial(p, 1, generator=generator).reshape(row.shape[:-1]))
        out = torch.stack(drawn).to(logits.device)
        if labels is not None:
            out = torch.where(labels == ignore_index, labels, out)
        return out


def checked_mask(mask, n):
    """The mask as bool [n, T]; a float mask is refused, since it is often additive."""
    if mask is None:
        return None
    mask = torch.as_tensor(mask)
    if mask.is_floating_point() or mask.is_complex():
        raise TypeError(f"the mask is {mask.dtype}; give bool, or integers 0 and 1")
    if mask.dim() != 2 or mask.shape[0] != n:
        raise ValueError(f"the mask has the shape {tuple(mask.shape)}, not ({n}, positions)")
    if mask.dtype != torch.bool and bool(((mask != 0) & (mask != 1)).any()):
        raise ValueError("the mask holds other integers than 0 and 1")
    return mask.bool()


def weights_sha256(model):
    """Fingerprint of all parameters and buffers: names, types, shapes and bytes."""
    digest = hashlib.sha256()
    for name, t in sorted(model.state_dict().items()):
        if not isinstance(t, torch.Tensor):
            continue
        digest.update(f"{name} {t.dtype} {tuple(t.shape)}\n".encode())
        t = t.full_tensor() if hasattr(t, "full_tensor") else t  # of the parts that FSDP's ranks hold
        digest.update(t.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return "sha256:" + digest.hexdigest()
