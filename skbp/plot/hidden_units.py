"""What each unit of the first layer looks for, as an image of its weights."""

from collections.abc import Sequence
from math import ceil, sqrt
from typing import Any, Self

import numpy as np

from skbp._typing import Floats
from skbp.network import is_layer_size
from skbp.plot.common import axes, fitted_network

_FEW = 49  # so many images have room for a number
_GAP = 1  # pixels between images


class HiddenUnitsDisplay:
    """The weights of each unit of the first layer after the input, as an image.

    It is made by `from_estimator`. A unit is active where bright pixels meet positive weights,
    and dark ones negative weights; so its image is what it looks for. All images have the same
    scale, which is symmetric about 0: a pale one is of a unit with small weights. The weights of
    the bias unit are not shown.

    Parameters
    ----------
    images : array-like of shape (n_units, height, width)
        The weights of each unit, by pixel.
    names : sequence of str
        What the units are called.
    title : str
        What the images show.

    Attributes
    ----------
    im_ : matplotlib AxesImage
        All images in one, row by row; what is between them is masked.
    texts_ : list of matplotlib Text
        The name of each unit, in the upper left corner of its image; empty if there are more
        than 49 units.
    colorbar_ : matplotlib Colorbar
        What the colours mean.
    ax_ : matplotlib Axes
        Where they are drawn.
    figure_ : matplotlib Figure
        The figure of these axes.

    Raises
    ------
    ValueError
        If there are not as many names as images.

    See Also
    --------
    NetworkDisplay : All weights of a network, as links between units.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skbp import BackpropClassifier
    >>> from skbp.plot import HiddenUnitsDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> model = BackpropClassifier((25,), random_state=0).fit(X / 16, y)
    >>> display = HiddenUnitsDisplay.from_estimator(model)
    >>> display.images.shape
    (25, 8, 8)
    """

    def __init__(self, images: Any, *, names: Sequence[str], title: str) -> None:
        self.images = np.asarray(images)
        self.names = list(names)
        self.title = title
        if len(self.names) != len(self.images):
            raise ValueError(
                f"names must hold {len(self.images)} names. Got {len(self.names)} instead: "
                f"{names!r}."
            )

    @classmethod
    def from_estimator(
        cls, clf: Any, image_shape: tuple[int, int] = (8, 8), *, ax: Any = None, **im_kw: Any
    ) -> Self:
        """Draw the weights of the units of layer 2.

        Parameters
        ----------
        clf : BackpropClassifier, MLPClassifier, Pipeline or search
            A fitted network, a pipeline that ends in one, or a search that has refitted one.
            The weights are those of what reaches the network: after a
            :class:`sklearn.preprocessing.StandardScaler`, of scaled pixels. Without a hidden
            layer, the units of layer 2 are the output units, and are named by their classes.
        image_shape : tuple of int, default=(8, 8)
            The height and the width of an image, whose pixels, row by row, are the features.
        ax : matplotlib Axes, default=None
            Where to draw. None for a new figure.
        **im_kw : dict
            For :meth:`matplotlib.axes.Axes.imshow`.

        Returns
        -------
        HiddenUnitsDisplay
            What was drawn.

        Raises
        ------
        NotFittedError
            If the network is not fitted.
        ValueError
            If ``image_shape`` does not hold as many pixels as there are features.
        """
        network = fitted_network(clf)
        weights = network.coefs_[0].T
        display = cls(
            weights.reshape(-1, *_checked_shape(image_shape, weights.shape[1])),
            names=_names(network),
            title=_title(network),
        )
        return display.plot(ax, **im_kw)

    def plot(self, ax: Any = None, **im_kw: Any) -> Self:
        """Draw the images.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None for a new figure.
        **im_kw : dict
            For :meth:`matplotlib.axes.Axes.imshow`.

        Returns
        -------
        HiddenUnitsDisplay
            Itself.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        """
        self.ax_ = axes(ax)
        self.figure_ = self.ax_.figure
        self.im_ = self.ax_.imshow(self._mosaic(), **_style(self.images, im_kw))
        self.colorbar_ = self.figure_.colorbar(
            self.im_, ax=self.ax_, label=r"weight $\Theta^{(1)}$", shrink=0.8
        )
        self._draw_frames()
        self.texts_ = self._write_names() if len(self.images) <= _FEW else []
        self.ax_.set_axis_off()
        self.ax_.set_title(self.title)
        return self

    def _corners(self) -> list[tuple[int, int]]:
        """Return the row and the column of the first pixel of each image."""
        n_units, height, width = self.images.shape
        height, width = height + _GAP, width + _GAP
        n_columns = ceil(sqrt(n_units * height / width))  # so that all together are a square
        places = (divmod(unit, n_columns) for unit in range(n_units))
        return [(row * height, column * width) for row, column in places]

    def _mosaic(self) -> Floats:
        """Return the images in one, with NaN between them."""
        size = np.array(self.images.shape[1:])
        corners = self._corners()
        mosaic = np.full(np.max(corners, axis=0) + size, np.nan, self.images.dtype)
        for (row, column), image in zip(corners, self.images, strict=True):
            height, width = image.shape
            mosaic[row : row + height, column : column + width] = image
        return mosaic

    def _draw_frames(self) -> None:
        """Draw a thin line around each image, whose own pixels may all be white."""
        from matplotlib.collections import PatchCollection
        from matplotlib.patches import Rectangle

        _, height, width = self.images.shape
        frames = [
            Rectangle((column - 0.5, row - 0.5), width, height) for row, column in self._corners()
        ]
        self.ax_.add_collection(
            PatchCollection(
                frames, facecolor="none", edgecolor="0.6", linewidth=0.6, clip_on=False
            ),
            autolim=False,
        )

    def _write_names(self) -> list[Any]:
        from matplotlib.patheffects import withStroke

        n_rows, n_columns = self.im_.get_array().shape
        box = self.ax_.get_window_extent()
        pixel = min(box.width / n_columns, box.height / n_rows) * 72 / self.figure_.dpi
        size = float(np.clip(0.22 * pixel * self.images.shape[1], 4, 9))
        return [
            self.ax_.text(
                column,
                row,
                name,
                fontsize=size,
                va="top",
                color="0.1",
                parse_math=False,
                path_effects=[withStroke(linewidth=size / 5, foreground="white")],
            )
            for name, (row, column) in zip(self.names, self._corners(), strict=True)
        ]


def _style(images: Floats, im_kw: dict[str, Any]) -> dict[str, Any]:
    """Return how the images are drawn: as the user wants it, else with 0 in the middle."""
    largest = np.abs(images).max() or 1.0
    limits = {} if "norm" in im_kw else {"vmin": -largest, "vmax": largest}
    return {"cmap": "RdBu_r", "interpolation": "nearest"} | limits | im_kw


def _checked_shape(image_shape: Any, n_features: int) -> tuple[int, int]:
    shape = tuple(image_shape) if np.iterable(image_shape) else ()
    if len(shape) != 2 or not all(map(is_layer_size, shape)) or np.prod(shape) != n_features:
        raise ValueError(
            "image_shape must hold the height and the width of an image of "
            f"{n_features} pixels, one for each feature. Got {image_shape!r} instead."
        )
    return shape


def _names(network: Any) -> list[str]:
    """Return the numbers of the hidden units, or the names of the output units' classes."""
    if network.n_layers_ > 2:
        return [str(j) for j in range(1, network.coefs_[0].shape[1] + 1)]
    return [str(name) for name in network.classes_[-network.n_outputs_ :]]


def _title(network: Any) -> str:
    kind = "hidden" if network.n_layers_ > 2 else "output"
    return f"Weights of the {kind} units of layer 2"
