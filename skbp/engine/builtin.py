"""Recognition of skbp's own parts, the only ones that are known to be thread-safe."""

from typing import TYPE_CHECKING

from skbp.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS
from skbp.losses import LOSSES

if TYPE_CHECKING:
    from skbp.losses import Loss
    from skbp.network import Network

_LOSS_NAMES = {type(loss): name for (_, name), loss in LOSSES.items()}


def is_builtin(network: "Network", loss: "Loss | None" = None) -> bool:
    """Return whether the activations, and the loss if given, are all skbp's own.

    Parameters
    ----------
    network : Network
        The network. One with dropout is not, because it draws random numbers.
    loss : Loss, default=None
        The loss. None to ignore it.

    Returns
    -------
    bool
        Whether they are.
    """
    return (
        not network.is_random
        and all(ACTIVATIONS.get(activation.name) == activation for activation in network.g)
        and OUTPUT_ACTIVATIONS.get(network.h.name) == network.h
        and (loss is None or type(loss) in _LOSS_NAMES)
    )


def name_of_loss(loss: "Loss") -> str:
    """Return the name of a loss.

    Parameters
    ----------
    loss : Loss
        One of skbp's own.

    Returns
    -------
    str
        For example ``"log_loss"``.
    """
    return _LOSS_NAMES[type(loss)]
