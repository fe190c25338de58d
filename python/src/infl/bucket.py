"""Batches of examples of similar length."""


def batches(lengths, tokens):
    """Yields lists of positions in lengths, each padded to at most a number of tokens.

    Examples go by length, so little is padding; their keys tell the rows apart, so the
    order of capture does not matter. An example longer than the budget is alone. The
    same lengths give the same batches, as resuming needs.
    """
    batch, longest = [], 0
    for i in sorted(range(len(lengths)), key=lambda i: (lengths[i], i)):
        longest = max(longest, lengths[i])
        if batch and longest * (len(batch) + 1) > tokens:
            yield batch
            batch, longest = [], lengths[i]
        batch.append(i)
    if batch:
        yield batch
