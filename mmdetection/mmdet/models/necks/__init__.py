"""Necks: between backbone and heads."""

from mmcv.necks import FPN
from mmdet.models.necks.channel_mapper import ChannelMapper
from mmdet.models.necks.pafpn import PAFPN

__all__ = ["FPN", "PAFPN", "ChannelMapper"]
