"""Trains a small transformer on the lines of a text and captures it for infl.

    python train.py TEXT OUT [QUERY...]

OUT gets train/ and query/, captures of all lines and of the queries, and lines.txt and
queries.txt, which name their rows. Without queries the last lines are held out for them.
"""
import sys

import torch
from torch import nn

import infl

WIDTH, HEADS, LAYERS, LONGEST = 64, 4, 2, 64


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.before, self.between = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.q, self.k, self.v, self.o = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x):
        h = self.before(x)
        q, k, v = (m(h).unflatten(2, (HEADS, -1)).transpose(1, 2) for m in (self.q, self.k, self.v))
        h = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.o(h.transpose(1, 2).flatten(2))
        return x + self.down(nn.functional.gelu(self.up(self.between(x))))


class Transformer(nn.Module):
    def __init__(self, words):
        super().__init__()
        self.words, self.places = nn.Embedding(words, WIDTH), nn.Embedding(LONGEST, WIDTH)
        self.layers = nn.Sequential(*(Layer() for _ in range(LAYERS)))
        self.head = nn.Linear(WIDTH, words)

    def forward(self, x):
        return self.head(self.layers(self.words(x) + self.places(torch.arange(x.shape[1]))))


def losses(model, x, mask):
    """One for each line: the sum over its characters but the first."""
    y = x[:, 1:].masked_fill(~mask[:, 1:], -100)
    return nn.functional.cross_entropy(model(x)[:, :-1].transpose(1, 2), y, reduction="none", ignore_index=-100).sum(1)


def encode(lines, alphabet):
    x = torch.zeros(len(lines), LONGEST, dtype=torch.long)
    mask = torch.zeros(len(lines), LONGEST, dtype=torch.bool)
    for i, line in enumerate(lines):
        codes = [alphabet.get(c, 0) for c in line[:LONGEST]]
        x[i, :len(codes)], mask[i, :len(codes)] = torch.tensor(codes), True
    return x, mask


def main(text, out, queries):
    torch.manual_seed(0)
    with open(text, encoding="utf-8") as f:
        lines = [line.strip() for line in f if len(line.strip()) > 10]
    if not queries:
        lines, queries = lines[:-5], lines[-5:]
    alphabet = {c: i for i, c in enumerate(sorted(set("".join(lines))))}
    model = Transformer(len(alphabet))
    train = encode(lines, alphabet)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(3):
        for rows in torch.randperm(len(lines)).split(64):
            x, mask = (t[rows] for t in train)
            loss = losses(model, x, mask).sum() / mask.sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    print(f"{len(lines)} lines, the loss of a character is {loss:.2f}")
    for split, texts in (("train", lines), ("query", queries)):
        x, mask = encode(texts, alphabet)
        with infl.Capture(model, f"{out}/{split}", split=split, modules="layers.*") as cap:
            for rows in torch.arange(len(texts)).split(64):
                with cap.batch(ids=rows, mask=mask[rows]) as batch:
                    batch.backward(losses(model, x[rows], mask[rows]))
        with open(f"{out}/{'lines' if split == 'train' else 'queries'}.txt", "w", encoding="utf-8") as f:
            f.writelines(line + "\n" for line in texts)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
