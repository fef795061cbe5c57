"""Photographs with labels, splits and masks: readers, downloads, splits."""
