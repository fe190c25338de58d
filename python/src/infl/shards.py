"""Safetensors shards and manifests, written so that what has its name is whole."""
import json
import os
import queue
import struct
import threading

import xxhash

ALIGNMENT = 4096  # numbers begin at a page, so that a mapped shard's pages hold nothing else
SUFFIX = ".tmp"
ITEM = {"I64": 8, "F64": 8, "F32": 4, "I32": 4, "BF16": 2, "F16": 2, "U8": 1}


def write_durably(path, write):
    """Writes a file under a temporary name, makes it durable and renames it.

    write(put) calls put(bytes-like) for each part. Returns the XXH3-64.
    """
    temp = path + SUFFIX
    digest = xxhash.xxh3_64()
    with open(temp, "wb") as f:
        def put(part):
            digest.update(part)
            f.write(part)
        write(put)
        f.flush()
        os.fsync(f.fileno())
    os.replace(temp, path)
    if os.name == "posix":
        folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    return digest.hexdigest()


def write_json(path, value):
    text = json.dumps(value, indent=1) + "\n"
    write_durably(path, lambda put: put(text.encode()))


def header(tensors, metadata):
    """The header of a safetensors file: tensors is a list of (name, dtype, shape)."""
    at, entries = 0, {"__metadata__": metadata}
    for name, dtype, shape in tensors:
        size = ITEM[dtype]
        for n in shape:
            size *= n
        entries[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 8) % ALIGNMENT)
    return struct.pack("<Q", len(text)) + text


def read_header(path):
    """Returns the entries of a safetensors file and where its numbers begin."""
    with open(path, "rb") as f:
        (length,) = struct.unpack("<Q", f.read(8))
        return json.loads(f.read(length)), 8 + length


def read_ids(path):
    """Returns the keys of a shard."""
    entries, start = read_header(path)
    begin, end = entries["ids"]["data_offsets"]
    with open(path, "rb") as f:
        f.seek(start + begin)
        return list(struct.unpack(f"<{(end - begin) // 8}q", f.read(end - begin)))


def file_xxh3(path):
    """XXH3-64 of a file: unlike SHA-256, it keeps up with memory."""
    digest = xxhash.xxh3_64()
    with open(path, "rb") as f:
        while part := f.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def shard_name(i):
    return f"{i:05d}.safetensors"


class ShardWriter:
    """Writes batches into shards from a thread of its own.

    A batch is a dict: name -> (dtype, numpy array), rows of all its examples one after
    the other; "offsets/SET" holds the batch's own offsets. A shard is cut after the
    batch that fills it, so a run that continues meets whole batches.
    """

    def __init__(self, out, limit, first, metadata):
        self.out, self.limit, self.metadata = out, limit, metadata
        self.number, self.shards, self.error = first, [], None
        self.held, self.bytes = [], 0
        self.queue = queue.Queue(maxsize=2)
        self.thread = threading.Thread(target=self._run, name="infl-capture", daemon=True)
        self.thread.start()

    def put(self, n, batch, ends=False):
        """Hands a batch of n examples over, with ends the last one of its shard; raises what
        went wrong before."""
        self._raise()
        self.queue.put((n, batch, ends))

    def close(self, keep=True):
        """Ends the thread; with keep, what is held becomes the last shard."""
        self.queue.put(keep)
        self.thread.join()
        self._raise()
        return self.shards

    def _raise(self):
        if self.error is not None:
            raise self.error

    def _run(self):
        while True:
            item = self.queue.get()
            try:
                if isinstance(item, bool):
                    if item and self.held and self.error is None:
                        self._flush()
                    return
                if self.error is None:
                    self._add(*item)
            except Exception as error:  # raised again by the caller's next call
                self.error = error
                if isinstance(item, bool):
                    return

    def _add(self, n, batch, ends):
        self.held.append((n, batch))
        self.bytes += sum(array.nbytes for _, array in batch.values())
        if ends or self.bytes >= self.limit:
            self._flush()

    def _flush(self):
        n = sum(count for count, _ in self.held)
        dtypes = {name: dtype for _, batch in self.held for name, (dtype, _) in batch.items()}
        names = sorted(dtypes, key=lambda name: -ITEM[dtypes[name]])
        parts = {name: self._parts(name) for name in names}
        tensors = [(name, dtypes[name], (sum(len(p) for p in parts[name]),) + parts[name][0].shape[1:]) for name in names]

        def write(put):
            put(header(tensors, self.metadata))
            for name in names:
                for part in parts[name]:
                    put(part.reshape(-1).view("u1").data)

        file = shard_name(self.number + len(self.shards))
        digest = write_durably(os.path.join(self.out, file), write)
        self.shards.append({"file": file, "n": n, "xxh3": digest})
        self.held, self.bytes = [], 0

    def _parts(self, name):
        """The arrays of a tensor in all held batches; offsets run on from batch to batch."""
        arrays = [batch[name][1] for _, batch in self.held if name in batch]
        if not name.startswith("offsets/"):
            return arrays
        out, end = [arrays[0][:1]], 0
        for offsets in arrays:
            out.append(offsets[1:] + end)
            end += int(offsets[-1])
        return out
