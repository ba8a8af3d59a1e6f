"""How much is computed."""

from typing import NamedTuple

SMALL_SPRITES = {
    "orientation": 0,
    "position_x": list(range(0, 32, 2)),
    "position_y": list(range(0, 32, 2)),
}
SMALL_NETWORK = {
    "n_components": 10,
    "hidden_layer_sizes": (128, 128),
    "batch_size": 64,
    "learning_rate": 2e-3,
}


class Scale(NamedTuple):
    """How much is trained and judged."""

    sprites: dict  # of `make_sprites`
    network: dict
    epochs: tuple  # where training is looked at, the last one its end
    seeds: int
    trees: int  # of DCI
    gammas: tuple
    members: tuple
    linear_epochs: tuple  # of the linear networks
    linear_seeds: int
    beside: bool = True  # the other models of table 1, and our defaults
    discriminator: tuple = (200,) * 3  # of FactorVAE


SCALES = {
    "quick": Scale(
        {"factors": {**SMALL_SPRITES, "shape": 1}, "n_samples": 500, "image_size": 32},
        SMALL_NETWORK,
        epochs=(1, 2),
        seeds=2,
        trees=2,
        gammas=(10.0,),
        members=(2,),
        linear_epochs=(20, 40),
        linear_seeds=2,
        beside=False,
    ),
    "default": Scale(
        {"factors": SMALL_SPRITES, "n_samples": 2000, "image_size": 32},
        SMALL_NETWORK,
        epochs=(3, 10, 25, 60),
        seeds=5,
        trees=10,
        gammas=(10.0, 1.0, 5.0),
        members=(2, 3, 4, 5),
        linear_epochs=(200, 1000, 4000),
        linear_seeds=3,
    ),
    "full": Scale(
        {},
        {
            "n_components": 10,
            "architecture": "conv64",
            "image_shape": (1, 64, 64),
            "batch_size": 64,
            "learning_rate": 1e-4,
        },
        epochs=(1, 5, 10, 26),  # 26 epochs of the whole grid are 300,000 steps
        seeds=10,
        trees=100,
        gammas=(10.0, 1.0, 5.0),
        members=(2, 3, 4, 5),
        linear_epochs=(250, 1500, 6000),
        linear_seeds=10,
        discriminator=(1000,) * 6,
    ),
}
