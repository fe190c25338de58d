"""infl for Python: what a training program hands over, and what comes back.

    Capture            streams activations and output gradients of a PyTorch model
    merge              puts the captures of several ranks together
    batches            batches of examples of similar length under a budget of tokens
    batch_invariance   do the numbers of an example depend on its batch?
    export_sklearn     writes a scikit-learn boosting model as JSON
    read               reads a run folder of infl as a pandas, polars or Arrow table

Only what is used is imported: Capture and batch_invariance need torch.
"""
import importlib

_PLACES = {
    "Capture": "capture", "CaptureWarning": "collect", "batch_invariance": "invariance",
    "batches": "bucket", "merge": "ranks",
    "export_sklearn": "export", "read": "results",
}
__all__ = sorted(_PLACES)


def __getattr__(name):
    if name in _PLACES:
        return getattr(importlib.import_module(f".{_PLACES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return __all__
