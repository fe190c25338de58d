"""Forward hooks and gradients of outputs: what a batch leaves in a model's modules."""
import fnmatch
import warnings

import torch
from torch import nn

from .rows import Site, site_of

DTYPES = {"F64": torch.float64, "F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}


class CaptureWarning(UserWarning):
    """Says that a part of the model is not captured."""


class Collector:
    """Hooks on the modules of a model that keep inputs and gradients of outputs.

    Parameters are frozen while it lives: their gradients are never formed, and the
    graph begins at the first captured output. With last only the last linear map that
    modules takes is captured, and its outputs are kept too.
    """

    def __init__(self, model, modules=None, last=False):
        if type(model).__name__ in ("DistributedDataParallel", "DataParallel"):
            model = model.module
        self.model = model
        self.sites, self.reasons = find_sites(model, modules)
        if last:
            self.sites = [s for s in self.sites if s.kind == "linear"][-1:]
        self.last = last
        if not self.sites:
            raise ValueError("no module to capture" + "".join(f"; {n}: {r}" for n, r in self.reasons.items()))
        self.coverage = coverage(model, self.sites, warn=not last)
        self.calls = None
        self._anchor = torch.zeros((), requires_grad=True)
        self._training = {m: m.training for m in model.modules()}
        self._frozen = [p for p in model.parameters() if p.requires_grad]
        self._cudnn = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
        model.eval()
        for p in self._frozen:
            p.requires_grad_(False)
        self._handles = [s.module.register_forward_hook(self._hook(s), with_kwargs=True) for s in self.sites]

    def close(self):
        """Removes the hooks and restores modes and flags."""
        for handle in self._handles:
            handle.remove()
        for p in self._frozen:
            p.requires_grad_(True)
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = self._cudnn
        for module, training in self._training.items():
            module.training = training

    def _hook(self, site):
        def forward(module, args, kwargs, output):
            # A forward pass without a graph is one that checkpointing will repeat.
            if self.calls is None or not torch.is_grad_enabled():
                return
            call = Call(args[0] if args else kwargs["input"], output.detach().clone() if self.last else None)
            self.calls.setdefault(site.name, []).append(call)
            if not output.requires_grad:
                output = GraphBegin.apply(output, self._anchor)
            # A hook on the tensor, not on the module: it sees the gradient of this very
            # value even where it is changed in place afterwards.
            output.register_hook(call.keep)
            return output
        return forward

    def begin(self):
        self.calls = {}

    def end(self):
        """Returns the calls of each site that have a gradient, and forgets them.

        Checkpointing runs modules twice; one of the two calls gets the gradient.
        """
        calls, self.calls = self.calls, None
        done = {}
        for site in self.sites:
            all_calls = calls.get(site.name, [])
            done[site.name] = [c for c in all_calls if c.gradient is not None]
            if not all_calls:
                raise ValueError(f"{site.name} did not run; leave it out with modules=")
            if not done[site.name]:
                raise ValueError(f"the output of {site.name} does not reach the loss; leave it out with modules=")
            for call in done[site.name]:
                call.check(site.name)
        return done


class GraphBegin(torch.autograd.Function):
    """Makes an output the beginning of the graph. As an in-place function it gives the
    output a history, so that the model may change it in place, which a leaf forbids."""

    @staticmethod
    def forward(ctx, output, anchor):
        ctx.mark_dirty(output)
        return output

    @staticmethod
    def backward(ctx, gradient):
        return None, None


class Call:
    """One call of a module: its input, the gradient of its output when it comes, and a copy
    of the output where it is kept."""

    def __init__(self, x, output):
        self.input, self.version, self.gradient, self.output = x.detach(), x._version, None, output

    def keep(self, gradient):
        gradient = gradient.detach()
        self.gradient = gradient if self.gradient is None else self.gradient + gradient

    def check(self, name):
        if self.input._version != self.version:
            raise ValueError(f"the input of {name} was changed in place after it ran; make that change out of place")

    def place(self):
        """What two calls with the same input have in common."""
        x = self.input
        return x.data_ptr(), self.version, tuple(x.shape), tuple(x.stride()), x.dtype


def find_sites(model, modules):
    """Lists the sites of a model in order, and why other modules are none.

    modules is None, a pattern such as "*.mlp.*|*.attn.*", a list of names or patterns,
    or a function of name and module. None takes the linear maps and convolutions that
    are being trained: those with a parameter that requires a gradient (so only the
    pairs of a LoRA model), or all of them where no parameter does. Embeddings are taken
    where they are named: tables of positions have no rows of their own for an example.
    """
    if modules is None:
        trained = any(p.requires_grad for p in model.parameters())
        wanted = lambda name, m: not trained or any(p.requires_grad for p in m.parameters(recurse=False))
    elif callable(modules):
        wanted = modules
    else:
        patterns = modules.split("|") if isinstance(modules, str) else list(modules)
        wanted = lambda name, m: any(fnmatch.fnmatchcase(name, p) for p in patterns)
    fused = tuple(name + "." for name, m in model.named_modules() if isinstance(m, nn.MultiheadAttention))
    sites, reasons = [], {}
    for name, m in model.named_modules():
        if not any(True for _ in m.parameters(recurse=False)) or not wanted(name, m):
            continue
        found = "its attention uses the weights without calling it" if name.startswith(fused) else site_of(name, m)
        if isinstance(found, Site) and found.kind == "embedding" and modules is None:
            found = "an embedding; name it in modules= to capture it"
        if isinstance(found, Site):
            sites.append(found)
        else:
            reasons[name] = found
    return sites, reasons


def coverage(model, sites, warn):
    """Which share of the parameters the sites hold; with warn it warns where it is not all."""
    held = {id(p) for s in sites for p in s.parameters()}
    total = sum(p.numel() for p in model.parameters())
    captured = sum(p.numel() for p in model.parameters() if id(p) in held)
    skipped = [n for n, p in model.named_parameters() if id(p) not in held]
    if skipped and warn:
        listed = ", ".join(skipped[:8]) + (", …" if len(skipped) > 8 else "")
        warnings.warn(f"captures {captured} of {total} parameters ({100 * captured / total:.1f} %); not {listed}", CaptureWarning, stacklevel=4)
    return {"captured_params": captured, "total_params": total, "skipped": skipped}
