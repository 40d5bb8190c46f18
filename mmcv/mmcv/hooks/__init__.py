"""What happens around the iterations of a run. Importing this package registers every hook."""

from mmcv.hooks import hook, lr, lr_cycles, lr_policies, momentum, momentum_policies

__all__ = ["hook", "lr", "lr_cycles", "lr_policies", "momentum", "momentum_policies"]
