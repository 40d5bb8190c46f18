"""Random star-shaped polygons for tests, drawn as 1.x draws them."""

from __future__ import annotations

import numpy as np

IRREGULARITY = 0.9  # of the angles between corners, from 0 to 1
SPIKEYNESS = 0.9  # spread of the radii around 1


def random_polygon(number: int, rng: np.random.RandomState) -> np.ndarray:
    """Draws the corners (number, 2) of a polygon within the unit square, in angular order."""
    from scipy.stats import truncnorm

    turn = 2 * np.pi
    step, spread = turn / number, IRREGULARITY * turn / number
    steps = rng.uniform(step - spread, step + spread, number)
    angles = (steps / (steps.sum() / turn)).cumsum() + rng.uniform(0, turn)
    # Bounds 0 and 2 in units of the spread around the mean 1.
    bound = 1 / SPIKEYNESS
    radii = truncnorm(a=-bound, b=bound, loc=1, scale=SPIKEYNESS).rvs(number, random_state=rng)
    points = np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)
    points = points - points.min(axis=0)
    points = points / points.max(axis=0)
    points = points * (rng.rand() * 0.8 + 0.2)
    low, high = 0 - points.min(axis=0), 1 - points.max(axis=0)
    return _in_order(points + rng.rand(2) * (high - low) + low)


def _in_order(points: np.ndarray) -> np.ndarray:
    """Sorts corners by their angle around the centre."""
    x, y = points.T
    angles = (np.arctan2(x.mean() - x, y - y.mean()) + 2 * np.pi) % (2 * np.pi)
    return points[angles.argsort()]
