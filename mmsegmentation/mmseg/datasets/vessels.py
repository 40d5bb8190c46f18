"""Blood vessels in retina photographs: DRIVE, STARE, CHASE_DB1 and HRF, two classes each."""

from __future__ import annotations

from typing import Any

from mmseg.datasets.custom import CustomDataset
from mmseg.evaluation.label_sets import VESSELS
from mmseg.registry import DATASETS


class _VesselDataset(CustomDataset):
    """Label 0 is the background, 1 a vessel."""

    CLASSES = VESSELS.names
    PALETTE = VESSELS.palette

    def __init__(self, seg_map_suffix: str, **kwargs: Any) -> None:
        super().__init__(
            img_suffix=".png", seg_map_suffix=seg_map_suffix, reduce_zero_label=False, **kwargs
        )


@DATASETS.register_module()
class DRIVEDataset(_VesselDataset):
    """DRIVE (Staal et al., 2004), labels of the first observer."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("_manual1.png", **kwargs)


@DATASETS.register_module()
class STAREDataset(_VesselDataset):
    """STARE (Hoover et al., 2000), labels of the first observer."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(".ah.png", **kwargs)


@DATASETS.register_module()
class ChaseDB1Dataset(_VesselDataset):
    """CHASE_DB1 (Fraz et al., 2012), labels of the first observer."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("_1stHO.png", **kwargs)


@DATASETS.register_module()
class HRFDataset(_VesselDataset):
    """High-Resolution Fundus (Budai et al., 2013)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(".png", **kwargs)
