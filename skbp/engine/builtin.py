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
    return not network.is_random and not own_parts(network, loss)


def own_parts(network: "Network", loss: "Loss | None" = None) -> list[str]:
    """Return the parts that are the user's own.

    Parameters
    ----------
    network : Network
        The network.
    loss : Loss, default=None
        The loss. None to ignore it.

    Returns
    -------
    list of str
        For example ``["activation=Activation(name='cube')"]``; empty if all are skbp's.
    """
    found = [f"activation={g}" for g in network.g if ACTIVATIONS.get(g.name) != g]
    if OUTPUT_ACTIVATIONS.get(network.h.name) != network.h:
        found.append(f"output_activation={network.h}")
    if loss is not None and type(loss) not in _LOSS_NAMES:
        found.append(f"loss={loss!r}")
    return found


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
