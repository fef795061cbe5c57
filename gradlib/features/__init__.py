"""Frozen features: backbones, their weights, and the cache on disk."""
