"""Small models, their batches, and what autograd says of them."""
import dataclasses

import torch
from torch import nn


class Conv1D(nn.Module):
    """The linear map of GPT-2, whose weight is [in, out]."""

    def __init__(self, nf, nx):
        super().__init__()
        self.nf = nf
        self.weight = nn.Parameter(torch.randn(nx, nf) / nx ** 0.5)
        self.bias = nn.Parameter(torch.randn(nf) / 10)

    def forward(self, x):
        return x @ self.weight + self.bias


class LoRA(nn.Module):
    """A frozen linear map with a pair of small ones beside it."""

    def __init__(self, width, rank):
        super().__init__()
        self.base = nn.Linear(width, width)
        self.lora_A, self.lora_B = nn.Linear(width, rank, bias=False), nn.Linear(rank, width, bias=False)
        for p in self.base.parameters():
            p.requires_grad_(False)

    def forward(self, x):
        return self.base(x) + self.lora_B(self.lora_A(x))


class Dense(nn.Module):
    """Activations that are changed in place, and dropout that must be off."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 8), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(8, 5, bias=False), nn.Tanh(), nn.Linear(5, 3))

    def forward(self, b):
        return self.layers(b["x"])


class Images(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 3, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2))
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(3, 4, 3, padding="same", bias=False)
        self.line = nn.Conv1d(4, 2, 3, stride=2, padding=1)
        self.head = nn.LazyLinear(3)

    def forward(self, b):
        x = torch.tanh(self.conv2(self.relu(self.conv1(b["x"]))))
        return self.head(self.line(x.flatten(2)).flatten(1))


class Tokens(nn.Module):
    """Attention over tokens with a mask; q, k and v share their input, fc runs twice."""

    def __init__(self, lora=False, checkpoint=None):
        super().__init__()
        self.checkpoint = checkpoint
        self.table, self.place = nn.Embedding(11, 8, padding_idx=0), nn.Embedding(9, 8)
        self.q = LoRA(8, 2) if lora else nn.Linear(8, 8)
        self.k, self.v = nn.Linear(8, 8, bias=False), Conv1D(8, 8)
        self.norm, self.fc = nn.LayerNorm(8), nn.Linear(8, 8)
        self.head = nn.Linear(8, 11)
        if lora:
            for name, p in self.named_parameters():
                p.requires_grad_("lora" in name)

    def mix(self, x, mask):
        q, k, v = self.q(x), self.k(x), self.v(x)
        scores = (q @ k.transpose(1, 2) / 8 ** 0.5).masked_fill(~mask[:, None, :], -1e9)
        x = self.norm(x + torch.softmax(scores, -1) @ v)
        return x + self.fc(torch.tanh(self.fc(x)))

    def forward(self, b):
        x = self.table(b["x"]) + self.place(torch.arange(b["x"].shape[1]))
        mask = b["mask"].bool()
        if self.checkpoint is None:
            x = self.mix(x, mask)
        else:
            x = torch.utils.checkpoint.checkpoint(self.mix, x, mask, use_reentrant=self.checkpoint)
        return self.head(x)


def loss(model, b):
    """One cross-entropy for each example, summed over positions with a label."""
    out = model(b)
    if out.dim() == 2:
        return nn.functional.cross_entropy(out, b["y"], reduction="none")
    return nn.functional.cross_entropy(out.transpose(1, 2), b["y"], reduction="none", ignore_index=-100).sum(1)


@dataclasses.dataclass
class Case:
    model: nn.Module
    data: dict  # tensors, examples in the first dimension
    modules: str = None
    loss: object = loss

    def batches(self, size):
        n = len(self.data["ids"])
        return [{k: v[i:i + size] for k, v in self.data.items()} for i in range(0, n, size)]


def cases(dtype=torch.float64, n=10):
    """The models by name, with the same numbers each time."""
    made = {}

    def case(name, build, data, **more):
        torch.manual_seed(len(made))
        model = build().to(dtype)
        data = data()
        with torch.no_grad():
            model.eval()(data)
        model.train()
        made[name] = Case(model, {"ids": torch.arange(100, 100 + n), **data}, **more)

    def tokens():
        x = torch.randint(0, 11, (n, 7))  # 0, the padding of the table, stands in real positions too
        lengths = torch.randint(1, 8, (n,))
        mask = (torch.arange(7) < lengths[:, None]).long()
        # The first label of each example is ignored; its position is a row all the same.
        y = torch.where((mask == 0) | (torch.arange(7) == 0), -100, torch.randint(0, 11, (n, 7)))
        return {"x": x * mask, "mask": mask, "y": y}

    image = lambda: {"x": torch.randn(n, 2, 7, 6, dtype=dtype), "y": torch.randint(0, 3, (n,))}
    case("dense", Dense, lambda: {"x": torch.randn(n, 6, dtype=dtype), "y": torch.randint(0, 3, (n,))})
    case("images", Images, image)
    case("tokens", Tokens, tokens)
    case("table", Tokens, tokens, modules="table|fc|head")
    case("lora", lambda: Tokens(lora=True), tokens)
    case("checkpointed", lambda: Tokens(checkpoint=False), tokens)
    return made


def autograd_gradients(case, modules):
    """Gradient of each example's loss by each module's weight and bias, by plain autograd
    of one example after the other: name -> [n, out, in(+1)]."""
    model = case.model.eval()
    wanted = {p: p.requires_grad for p in model.parameters()}
    for p in wanted:
        p.requires_grad_(True)
    out = {m["name"]: [] for m in modules}
    for b in case.batches(1):
        model.zero_grad()
        case.loss(model, b).sum().backward()
        for m in modules:
            module = model.get_submodule(m["name"])
            g = module.weight.grad
            g = g.T if m["weight_layout"] == "in_out" else g.flatten(1)
            if m["bias"]:
                g = torch.cat([g, module.bias.grad[:, None]], 1)
            out[m["name"]].append(g.clone())
    model.zero_grad()
    for p, required in wanted.items():
        p.requires_grad_(required)
    model.train()
    return {name: torch.stack(g) for name, g in out.items()}
