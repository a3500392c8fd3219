"""Draw the picture of the README, docs/images/digits.png.

    python -m pip install "skbp[docs]"
    python examples/plot_readme.py [another file to draw it to]

Above: what λ does. The digits 0 to 4, reduced to two principal components so that they can be
drawn, and the regions that a network learns with a small, a middling and a large `alpha`; the
paler a region, the less probable its digit. Below: the loss curves of four solvers on all digits,
from the same start weights. It takes about a minute.
"""

import sys
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbp import BackpropClassifier

try:
    import matplotlib.pyplot as plt
    from matplotlib.colors import to_rgb
    from matplotlib.patheffects import withStroke
    from PIL import Image
except ImportError:
    sys.exit('This example needs matplotlib. Install it with: pip install "skbp[docs]"')

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "digits.png"

# Okabe and Ito's colours, which colour-blind readers can tell apart
BLUE, ORANGE, GREEN, RED, PINK = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"
INK = "#24292f"

SOLVERS = {
    "gd": ({"solver": "gd"}, BLUE),
    "sgd, one example a step": (
        {"solver": "sgd", "batch_size": 1, "momentum": 0, "n_iter_no_change": np.inf},
        ORANGE,
    ),
    "cg": ({"solver": "cg"}, GREEN),
    "lbfgs": ({"solver": "lbfgs"}, RED),
}


def main():
    """Draw and save."""
    plt.rcParams.update(
        {
            "font.size": 11,
            "text.color": INK,
            "axes.edgecolor": "#8c959f",
            "axes.labelcolor": INK,
            "xtick.color": INK,
            "ytick.color": INK,
        }
    )
    figure = plt.figure(figsize=(9, 6.6), layout="constrained", facecolor="white")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.1)
    maps, curves = figure.subfigures(2, 1, height_ratios=[1, 1.02])
    draw_maps(maps.subplots(1, 3))
    draw_loss_curves(curves.subplots())
    save(figure, Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE)


def save(figure, path):
    """Save the picture with 256 colours, a quarter of the size of all of them."""
    buffer = BytesIO()
    figure.savefig(buffer, dpi=170)
    picture = Image.open(buffer).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    picture.save(path, optimize=True)
    print(f"saved {path}, {path.stat().st_size / 1000:.0f} kB")


def draw_maps(axes):
    """Draw the regions of the digits 0 to 4 for three values of λ."""
    X, y = load_digits(n_class=5, return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(X))[:300]
    X, y = X[rows], y[rows]
    points = make_pipeline(PCA(2, random_state=0), StandardScaler()).fit_transform(X)
    for ax, alpha in zip(axes, [0.001, 0.1, 3], strict=True):
        model = BackpropClassifier((50,), "tanh", alpha=alpha, max_iter=5000, random_state=0)
        draw_map(ax, model.fit(points, y), points, y)
        ax.set_title(f"alpha = {alpha}", fontsize=11)


def draw_map(ax, model, points, y, n_pixels=400, edge=2.4):
    """Colour the plane by the predicted probabilities, and draw the training points."""
    colours = np.array([to_rgb(colour) for colour in (BLUE, ORANGE, GREEN, RED, PINK)])
    x = np.linspace(-edge, edge, n_pixels)
    plane = np.stack(np.meshgrid(x, x), axis=-1).reshape(-1, 2)
    probabilities = model.predict_proba(plane)
    # the mixture of the colours, nearer to white where no digit is probable
    strength = 0.65 * probabilities.max(axis=1, keepdims=True)
    image = 1 - strength * (1 - probabilities @ colours)
    ax.imshow(
        image.reshape(n_pixels, n_pixels, 3),
        extent=(-edge, edge, -edge, edge),
        origin="lower",
        interpolation="bilinear",
    )
    ax.scatter(*points.T, c=colours[y], s=14, edgecolor="white", linewidth=0.6)
    for digit in range(5):
        label = ax.text(
            *np.median(points[y == digit], axis=0), digit, size=17, weight="bold", va="center"
        )
        label.set(
            horizontalalignment="center", path_effects=[withStroke(linewidth=3, foreground="w")]
        )
    ax.set(xlim=(-edge, edge), ylim=(-edge, edge), xticks=[], yticks=[])


def draw_loss_curves(ax, max_iter=200):
    """Draw the loss curves of four solvers that start from the same weights."""
    X, y = load_digits(return_X_y=True)
    for name, (parameters, colour) in SOLVERS.items():
        classifier = BackpropClassifier((25,), max_iter=max_iter, random_state=0, **parameters)
        model = make_pipeline(StandardScaler(), classifier)
        with warnings.catch_warnings():
            # gradient descent needs more iterations; here they are cut off
            warnings.simplefilter("ignore", ConvergenceWarning)
            curve = model.fit(X, y)[-1].loss_curve_
        iterations = np.arange(1, len(curve) + 1)
        ax.loglog(iterations, curve, color=colour, linewidth=2.2, label=name)
        ax.plot(iterations[-1], curve[-1], "o", color=colour, markersize=5)
    ax.set(xlabel="iteration (for sgd, epoch)", ylabel="loss_curve_", xlim=(0.95, max_iter * 1.06))
    ax.set_xticks([1, 10, 100, 200], ["1", "10", "100", "200"])
    ax.set_yticks([0.2, 0.5, 1, 2, 5], ["0.2", "0.5", "1", "2", "5"])
    ax.minorticks_off()
    ax.grid(color="#d0d7de", linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, loc="lower left")
    ax.set_title("1797 digits, 25 hidden units, the same J(Θ) for all solvers", fontsize=11)


if __name__ == "__main__":
    main()
