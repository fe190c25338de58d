"""Modules as maps of rows: a (inputs) and g (gradients of outputs) of each kind."""
import dataclasses

import torch
from torch import nn
from torch.nn import functional


@dataclasses.dataclass
class Site:
    """A module that is captured."""
    name: str
    module: nn.Module
    kind: str  # linear, conv2d or embedding
    transposed: bool = False  # the weight is stored as [in, out]
    padding: tuple = None  # of a convolution, height and width

    @property
    def bias(self):
        return getattr(self.module, "bias", None) is not None

    @property
    def sizes(self):
        """in and out."""
        w = self.module.weight
        if self.kind == "embedding" or self.transposed:
            return w.shape[0], w.shape[1]
        return w[0].numel(), w.shape[0]

    def parameters(self):
        return [p for n, p in self.module.named_parameters(recurse=False) if n in ("weight", "bias")]

    def parameter_names(self):
        return [f"{self.name}.{n}" for n, _ in self.module.named_parameters(recurse=False) if n in ("weight", "bias")]


def site_of(name, m):
    """Returns the site that a module is, or says why it is none."""
    if isinstance(m, nn.Linear):
        return Site(name, m, "linear")
    if type(m).__name__ == "Conv1D" and hasattr(m, "nf"):
        return Site(name, m, "linear", transposed=True)
    if isinstance(m, nn.Embedding):
        if m.max_norm is not None or m.scale_grad_by_freq:
            return "an embedding with max_norm or scale_grad_by_freq"
        return Site(name, m, "embedding", transposed=True)
    if isinstance(m, (nn.Conv1d, nn.Conv2d)):
        return conv_site(name, m)
    return f"{type(m).__name__} is no linear map, convolution or embedding"


def conv_site(name, m):
    if m.groups != 1:
        return "a grouped convolution"
    if m.padding_mode != "zeros":
        return f"a convolution with {m.padding_mode} padding"
    padding = m.padding
    if padding == "valid":
        padding = [0] * len(m.kernel_size)
    elif padding == "same":
        total = [d * (k - 1) for d, k in zip(m.dilation, m.kernel_size)]
        if any(t % 2 for t in total):
            return "a convolution whose padding differs between the sides"
        padding = [t // 2 for t in total]
    return Site(name, m, "conv2d", padding=pair(padding, 0))


def pair(values, missing):
    """Height and width; a convolution in one dimension has the height 1."""
    return tuple(values) if len(values) == 2 else (missing, *values)


def images(site, x):
    """The input of a convolution as [n, c, h, w]."""
    return x.unsqueeze(2) if isinstance(site.module, nn.Conv1d) else x


def geometry(site, x, g):
    """The conv block of the manifest."""
    m, x, g = site.module, images(site, x), images(site, g)
    return {
        "kernel": pair(m.kernel_size, 1), "stride": pair(m.stride, 1), "padding": site.padding, "dilation": pair(m.dilation, 1),
        "groups": 1, "in_shape": tuple(x.shape[1:]), "out_shape": tuple(g.shape[2:]), "patch_order": "c,kh,kw",
    }


def input_rows(site, x, n):
    """Inputs as [n, rows, in], or as row numbers [n, rows] for an embedding."""
    if site.kind == "embedding":
        return x.reshape(n, -1)
    if site.kind == "conv2d":
        m = site.module
        patches = functional.unfold(images(site, x), pair(m.kernel_size, 1), pair(m.dilation, 1), site.padding, pair(m.stride, 1))
        return patches.transpose(1, 2)
    return x.reshape(n, -1, x.shape[-1])


def gradient_rows(site, x, g, n):
    """Gradients of outputs as [n, rows, out]."""
    if site.kind == "conv2d":
        return images(site, g).flatten(2).transpose(1, 2)
    g = g.reshape(n, -1, g.shape[-1])
    if site.kind == "embedding" and site.module.padding_idx is not None:
        g = g * (x.reshape(n, -1, 1) != site.module.padding_idx)
    return g


def example_gradients(site, a, g):
    """Gradient of each example's loss by [weight, bias] as [n, out, in(+1)], from rows
    whose g is zero where they are masked."""
    if site.kind == "embedding":
        table, out = site.sizes
        G = g.new_zeros(len(g), table, out)
        G.scatter_add_(1, a.long().unsqueeze(-1).expand(-1, -1, out), g)
        return G.transpose(1, 2)
    G = torch.einsum("nto,nti->noi", g, a.to(g.dtype))
    if site.bias:
        G = torch.cat([G, g.sum(1).unsqueeze(-1)], -1)
    return G
