"""The layout of a capture: row sets, input groups and the tensors of a batch."""
import numpy as np
import torch

from .collect import DTYPES
from .rows import example_gradients, geometry, gradient_rows, images, input_rows
from .sums import Covariances, Squares, pack


LEVELS = ("rows", "grads", "projected", "factors", "last_layer")


class Layout:
    """Decided by the first batch; each further batch must fit."""

    def __init__(self, sites, level, dtype, projection=None, basis=None):
        self.sites, self.level, self.dtype = sites, level, dtype
        self.projection, self.maps = projection, {}
        self.plans = None
        self.row_sets, self.groups = {}, {}
        self.head = None
        self.basis = basis
        self.sums = None if level != "factors" else Covariances() if basis is None else Squares(basis)

    def manifest(self):
        """row_sets, input_groups and modules of the manifest."""
        modules = []
        for s in self.sites:
            p = self.plans[s.name]
            size_in, size_out = s.sizes
            m = {"name": s.name, "kind": s.kind, "bias": s.bias, "input_group": p["group"], "row_set": p["row_set"], "in": size_in, "out": size_out,
                 "weight_layout": "in_out" if s.transposed else "out_in", "params": s.parameter_names()}
            if s.kind == "conv2d":
                m["conv"] = p["conv"]
            modules.append(m)
        more = {} if self.head is None else {"head": self.head}
        if self.projection is not None:
            more["projection"] = self.projection.manifest()
        if self.basis is not None:
            more["basis"] = self.basis.digest()
        return {
            **more,
            "row_sets": {name: {"rows": rows} for name, rows in self.row_sets.items()},
            "input_groups": list(self.groups.values()),
            "modules": modules,
        }

    def tensors(self, calls, batch, mask):
        """name -> (dtype, numpy array) of a batch."""
        n = len(batch.ids)
        plans = {}
        shared = {}
        for s in self.sites:
            plans[s.name] = self._plan(s, calls[s.name], n, mask, shared)
        if self.plans is None:
            self.plans = plans
            for s in self.sites:
                self._note(s, plans[s.name])
            if self.projection is not None:
                self.maps = {s.name: self.projection.of_module(m, s) for m, s in enumerate(self.sites)}
            if self.level == "last_layer":
                self.head = {"logits": True, "labels": batch.labels is not None}
        for name, plan in plans.items():
            self._match(name, plan)
        out = {"ids": ("I64", np.asarray(batch.ids, np.int64)), "ntok": ("I64", counts(batch.tokens, n)),
               "loss": ("F64", batch.loss.double().cpu().numpy())}
        finite = torch.isfinite(batch.loss).cpu()
        if self.sums is not None:
            finite &= self._sum(calls, batch, mask)
        else:
            for s in self.sites:
                finite &= self._add(out, s, calls[s.name], batch, mask)
        if self.head is not None:
            finite &= self._add_head(out, calls, batch)
        out["flag"] = ("U8", (~finite).to(torch.uint8).numpy())
        return out

    def _plan(self, s, calls, n, mask, shared):
        """Where the rows of a site go in this batch."""
        first = calls[0]
        for c in calls:
            if c.input.shape[0] != n or c.gradient.shape[0] != n:
                raise ValueError(f"{s.name} has inputs of the shape {tuple(c.input.shape)}; the first dimension must be the batch's {n} examples")
        rows = gradient_rows(s, first.input, first.gradient, n).shape[1]
        tokens = s.kind != "conv2d" and first.gradient.dim() == 3
        ragged = mask is not None and tokens and rows == mask.shape[1]
        number = rows * len(calls)
        if ragged:
            row_set = "tok" if len(calls) == 1 else f"tok{len(calls)}"
        else:
            row_set = "ex" if number == 1 else f"r{number}"
        plan = {"row_set": row_set, "rows": "ragged" if ragged else number, "ragged": ragged, "group": s.name,
                "layout": {"embedding": "indices", "conv2d": "nchw"}.get(s.kind, "rows")}
        if s.kind == "conv2d":
            plan["conv"] = geometry(s, first.input, first.gradient)
            if len(calls) > 1:
                plan["layout"] = "rows"
        elif len(calls) == 1 and s.kind == "linear":
            plan["group"] = shared.setdefault(first.place(), s.name)
        return plan

    def _note(self, s, plan):
        width = 1 if s.kind == "embedding" else s.sizes[0]
        self.row_sets[plan["row_set"]] = plan["rows"]
        self.groups.setdefault(plan["group"], {"name": plan["group"], "width": width, "layout": plan["layout"], "row_set": plan["row_set"]})

    def _match(self, name, plan):
        want = self.plans[name]
        for what in ("rows", "row_set", "group", "conv"):
            if plan.get(what) != want.get(what):
                hint = "; give a mask where examples differ in length" if what in ("rows", "row_set") else ""
                raise ValueError(f"{name}: {what.replace('_', ' ')} is {plan.get(what)} in this batch, {want.get(what)} in the first{hint}")

    def _sum(self, calls, batch, mask):
        """Adds the rows of a batch to the sums, but for those of examples that are not
        finite; returns which are."""
        n, rows = len(batch.ids), {}
        finite = torch.ones(n, dtype=torch.bool)
        for s in self.sites:
            if s.kind == "embedding":
                raise ValueError(f"{s.name}: an embedding has no covariances; leave it out with modules=")
            plan, of = self.plans[s.name], calls[s.name]
            keep = mask.to(of[0].gradient.device).repeat(1, len(of)) if plan["ragged"] else None
            g = self._rounded([self._gradients(s, c, batch, n) for c in of], keep)
            owns = plan["group"] == s.name
            a = self._rounded([self._inputs(s, c, n) for c in of], keep) if owns else rows[plan["group"]][0]
            rows[s.name] = a, g, keep
            for x in (a, g) if owns else (g,):
                finite &= torch.isfinite(x).flatten(1).all(1).cpu()
        for s in self.sites:
            a, g, keep = rows[s.name]
            those = finite.to(g.device)
            self.sums.add(s, self.plans[s.name]["group"] == s.name, a[those], g[those], None if keep is None else keep[those])
        return finite

    def _rounded(self, calls, keep):
        """The rows of all calls as they would be stored, zero where they are masked."""
        return only(torch.cat(calls, 1), keep).to(DTYPES[self.dtype])

    def _add(self, out, s, calls, batch, mask):
        """Adds the tensors of a site; returns which examples are finite as stored."""
        plan, n = self.plans[s.name], len(batch.ids)
        keep = mask.to(calls[0].gradient.device) if plan["ragged"] else None
        if self.level == "projected":
            return self._store(out, "p/" + s.name, self._projected(s, calls, batch, keep))
        if self.level == "grads":
            total = sum(example_gradients(s, self._inputs(s, c, n, keep), self._gradients(s, c, batch, n, keep)) for c in calls)
            return self._store(out, "G/" + s.name, total)
        if keep is not None:
            keep = keep.repeat(1, len(calls))
            out["offsets/" + plan["row_set"]] = ("I64", np.concatenate([[0], np.cumsum(keep.sum(1).cpu().numpy())]).astype(np.int64))
        finite = self._store(out, "g/" + s.name, torch.cat([self._gradients(s, c, batch, n) for c in calls], 1), keep)
        if plan["group"] != s.name:
            return finite
        if plan["layout"] == "nchw":
            return finite & self._store(out, "a/" + s.name, images(s, calls[0].input))
        inputs = torch.cat([self._inputs(s, c, n) for c in calls], 1)
        if s.kind == "embedding":
            out["i/" + s.name] = ("I32", pack(inputs, keep).to(torch.int32).cpu().numpy())
            return finite
        return finite & self._store(out, "a/" + s.name, inputs, keep)

    def _projected(self, s, calls, batch, keep):
        """Projections of the examples' gradients, in float32. Where both sides of a gradient
        are projected it is formed of what they become."""
        total, n, to = 0, len(batch.ids), self.maps[s.name]
        for c in calls:
            a, g = self._inputs(s, c, n, keep), self._gradients(s, c, batch, n, keep)
            if self.projection.two_sided():
                a, g = to.rows(a.float(), g.float())
                total = total + torch.einsum("nto,nti->noi", g, a)
            else:
                total = total + example_gradients(s, a, g)
        total = total.flatten(1)
        return total if self.projection.two_sided() else to(total.float())

    def _add_head(self, out, calls, batch):
        """Adds outputs and labels of a last layer; returns which examples are finite."""
        (s,), n = self.sites, len(batch.ids)
        if self.plans[s.name]["rows"] != 1:
            raise ValueError(f"{s.name} has {self.plans[s.name]['rows']} rows for each example; level last_layer holds one, level rows any number")
        if self.head["labels"] != (batch.labels is not None):
            raise ValueError("labels are those of all batches or of none")
        if batch.labels is not None:
            out["labels"] = ("I64", classes(batch.labels, n, s.sizes[1]))
        return self._store(out, "z/" + s.name, calls[s.name][0].output.reshape(n, -1))

    def _inputs(self, s, call, n, keep=None):
        """Inputs as [n, rows, in], zero where they are masked."""
        x = input_rows(s, call.input, n)
        return x if s.kind == "embedding" else only(x.to(self._precise(x.dtype)), keep)

    def _gradients(self, s, call, batch, n, keep=None):
        """Gradients of outputs as [n, rows, out], zero where they are masked."""
        g = gradient_rows(s, call.input, call.gradient, n)
        g = only(g.to(self._precise(g.dtype)), keep)
        return g if batch.scale == 1.0 else g / batch.scale

    def _precise(self, dtype):
        """In which precision numbers are scaled and summed before they are stored."""
        return torch.float64 if torch.float64 in (dtype, DTYPES[self.dtype]) else torch.float32

    def _store(self, out, name, values, keep=None):
        """Rounds [n, ...] and stores it example after example, of rows those that keep
        says; returns which examples are finite as stored."""
        values = values.to(DTYPES[self.dtype])
        rows = name[0] not in "Gp" and values.dim() == 3
        packed = (pack(values, keep) if rows else values).contiguous()
        finite = torch.ones(len(values), dtype=torch.bool)
        # One sum finds out whether there is anything to look for; it is quick over
        # numbers that lie together.
        if not bool(torch.isfinite(packed.sum(dtype=self._precise(values.dtype)))):
            finite = torch.isfinite(only(values, keep)).flatten(1).all(1).cpu()
        out[name] = (self.dtype, to_numpy(packed))
        return finite


def only(x, keep):
    """x with zeros where positions are masked, whatever stands there."""
    return x if keep is None else torch.where(keep.unsqueeze(-1), x, 0)


def counts(tokens, n):
    if tokens is None:
        return np.ones(n, np.int64)
    tokens = torch.as_tensor(tokens).cpu().numpy().astype(np.int64)
    if tokens.shape != (n,):
        raise ValueError(f"tokens has the shape {tokens.shape}, not ({n},)")
    return tokens


def classes(labels, n, number):
    labels = torch.as_tensor(labels).cpu().numpy()
    if labels.shape != (n,) or labels.dtype.kind not in "iu" or n and not 0 <= labels.min() <= labels.max() < number:
        raise ValueError(f"labels are {labels.dtype} of the shape {labels.shape}, not a class from 0 to {number - 1} for each of the {n} examples")
    return labels.astype(np.int64)


def to_numpy(x):
    """The numbers on the host; bfloat16, which numpy lacks, as its bits."""
    x = x.detach().cpu()
    return x.view(torch.uint16).numpy() if x.dtype == torch.bfloat16 else x.numpy()
