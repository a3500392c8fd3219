"""Display of the weights of the first hidden layer as images."""

from collections.abc import Sequence
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skbp._typing import Floats
from skbp.network import is_layer_size
from skbp.plot.common import ArtistProperties, Estimator, FittedNetwork, axes, fitted_network

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

_FEW = 49  # largest number of images that are numbered
_GAP = 1  # pixels between images


class HiddenUnitsDisplay:
    """Images of the weights of the units in the first layer after the input.

    Create it with `from_estimator`. Bright pixels where the weights are positive, and dark pixels
    where they are negative, activate a unit: its image shows the pattern that it detects. All
    images share one colour scale, symmetric about 0, so small weights have little colour. The bias
    weights are not shown.

    Parameters
    ----------
    images : array-like of shape (n_units, height, width)
        Weights of each unit, by pixel.
    names : sequence of str
        Names of the units.
    title : str
        Title of the axes.

    Attributes
    ----------
    im_ : matplotlib AxesImage
        All images in one, row by row; the gaps between them are masked.
    texts_ : list of matplotlib Text
        Name of each unit, in the upper left corner of its image; empty for more than 49 units.
    colorbar_ : matplotlib Colorbar
        Colour bar.
    ax_ : matplotlib Axes
        Axes of the display.
    figure_ : matplotlib Figure
        Figure that contains the axes.

    Raises
    ------
    ValueError
        If the number of names differs from the number of images.

    See Also
    --------
    NetworkDisplay : Draw all weights of a network as links between units.

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

    def __init__(self, images: ArrayLike, *, names: Sequence[str], title: str) -> None:
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
        cls,
        clf: Estimator,
        image_shape: tuple[int, int] = (8, 8),
        *,
        ax: "Axes | None" = None,
        **im_kw: Any,
    ) -> Self:
        """Plot the weights of the units of layer 2.

        Parameters
        ----------
        clf : BackpropClassifier, MLPClassifier, Pipeline or search
            Fitted network, fitted pipeline that ends in one, or fitted search with
            ``refit=True``. The weights apply to the input of the network: after a
            :class:`sklearn.preprocessing.StandardScaler`, to scaled pixels. Without a hidden
            layer, the units of layer 2 are the output units, named by their classes.
        image_shape : tuple of int, default=(8, 8)
            Height and width of an image. The features are its pixels, row by row.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.
        **im_kw : dict
            Keyword arguments passed to :meth:`matplotlib.axes.Axes.imshow`.

        Returns
        -------
        HiddenUnitsDisplay
            Object that stores the computed values.

        Raises
        ------
        NotFittedError
            If the network is not fitted.
        ValueError
            If the number of pixels in ``image_shape`` differs from the number of features.
        """
        network = fitted_network(clf)
        weights = network.coefs_[0].T
        display = cls(
            weights.reshape(-1, *_checked_shape(image_shape, weights.shape[1])),
            names=_names(network),
            title=_title(network),
        )
        return display.plot(ax, **im_kw)

    def plot(self, ax: "Axes | None" = None, **im_kw: Any) -> Self:
        """Plot the images.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.
        **im_kw : dict
            Keyword arguments passed to :meth:`matplotlib.axes.Axes.imshow`.

        Returns
        -------
        HiddenUnitsDisplay
            The display itself.

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
        n_columns = ceil(sqrt(n_units * height / width))  # makes the mosaic about square
        places = (divmod(unit, n_columns) for unit in range(n_units))
        return [(row * height, column * width) for row, column in places]

    def _mosaic(self) -> Floats:
        """Return one array with all images, separated by NaN."""
        size = np.array(self.images.shape[1:])
        corners = self._corners()
        mosaic = np.full(np.max(corners, axis=0) + size, np.nan, self.images.dtype)
        for (row, column), image in zip(corners, self.images, strict=True):
            height, width = image.shape
            mosaic[row : row + height, column : column + width] = image
        return mosaic

    def _draw_frames(self) -> None:
        """Draw a thin frame around each image; all its pixels may be white."""
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

    def _write_names(self) -> "list[Text]":
        from matplotlib.patheffects import withStroke

        n_rows, n_columns = self.im_.get_size()
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


def _style(images: Floats, im_kw: ArtistProperties) -> ArtistProperties:
    """Return the keyword arguments of imshow, by default with colours symmetric about 0."""
    largest = np.abs(images).max() or 1.0
    limits = {} if "norm" in im_kw else {"vmin": -largest, "vmax": largest}
    return {"cmap": "RdBu_r", "interpolation": "nearest"} | limits | im_kw


def _checked_shape(image_shape: tuple[int, int], n_features: int) -> tuple[int, int]:
    shape = tuple(image_shape) if np.iterable(image_shape) else ()
    if len(shape) != 2 or not all(map(is_layer_size, shape)) or np.prod(shape) != n_features:
        raise ValueError(
            "image_shape must hold the height and the width of an image of "
            f"{n_features} pixels, one for each feature. Got {image_shape!r} instead."
        )
    return shape


def _names(network: FittedNetwork) -> list[str]:
    """Return the numbers of the hidden units, or the classes of the output units."""
    if network.n_layers_ > 2:
        return [str(j) for j in range(1, network.coefs_[0].shape[1] + 1)]
    return [str(name) for name in network.classes_[-network.n_outputs_ :]]


def _title(network: FittedNetwork) -> str:
    kind = "hidden" if network.n_layers_ > 2 else "output"
    return f"Weights of the {kind} units of layer 2"
