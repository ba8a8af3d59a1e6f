"""scikit-learn's callbacks (from its version 1.9), told of a fit and of each of its epochs."""

from copy import copy

from sklatent.models._nets import publish
from sklatent.nn.stacking.modules import copy_module

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn before 1.9 has none

    class CallbackSupportMixin:
        """Nothing to support."""


class Watch:
    """What tells a model's callbacks of its fit.

    Parameters
    ----------
    model : LatentModel
        Being fitted, with callbacks.
    X, y : object
        As its fit was given them. Callbacks that score, such as scikit-learn's ScoringMonitor, do
        nothing without a target: where y is None, it is X, which is what a model is to give back.
    """

    def __init__(self, model, X, y):
        self.model = model
        self._given = {"estimator": model, "X": X, "y": X if y is None else y}
        self._whole = self._epoch = None

    def begin(self, max_epochs):
        """The fit begins; None is a number of epochs that nobody knows."""
        self._whole = self.model._init_callback_context(max_subtasks=max_epochs)
        self._whole.call_on_fit_task_begin(**self._given)

    def begin_epoch(self, net):
        """An epoch begins."""
        self._epoch = self._whole.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._given, **self._now(net))

    def end_epoch(self, net):
        """An epoch has ended; says whether a callback wants it to be the last."""
        return self._epoch.call_on_fit_task_end(**self._given, **self._now(net))

    def end(self):
        """The fit has ended."""
        self._whole.call_on_fit_task_end(**self._given, reconstruction_attributes={})

    def _now(self, net):
        # A function: most callbacks don't ask.
        return {"reconstruction_attributes": lambda: _learned_so_far(self.model, net)}


def watch_of(model, X, y=None):
    """A watch for a model that has callbacks; None for others."""
    return Watch(model, X, y) if getattr(model, "_skl_callbacks", None) else None


def tell_of_a_stack(model, X, y):
    """Tell callbacks of a fit whose epochs are over, since it was trained in a stack."""
    watch = watch_of(model, X, y)
    if watch is not None:
        watch.begin(0)
        watch.end()


def _learned_so_far(model, net):
    """What a model would have learned if its training ended now, with weights of its own."""
    own = object.__new__(type(net))
    vars(own).update(vars(net), module_=copy_module(net.module_).eval())
    twin = copy(model)
    twin.net_ = own
    publish(twin)
    parameters = model.get_params(deep=False)
    return {name: value for name, value in vars(twin).items() if name not in parameters}
