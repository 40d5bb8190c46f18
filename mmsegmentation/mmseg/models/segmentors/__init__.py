"""Segmentors: backbone, neck and heads as one model."""

from mmseg.models.segmentors.base import BaseSegmentor
from mmseg.models.segmentors.cascade_encoder_decoder import CascadeEncoderDecoder
from mmseg.models.segmentors.encoder_decoder import EncoderDecoder

__all__ = ["BaseSegmentor", "CascadeEncoderDecoder", "EncoderDecoder"]
