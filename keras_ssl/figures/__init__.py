"""Figures: plots of results, grids of images, and the HTML report that holds them."""

from keras_ssl.figures import palette, plots, report
from keras_ssl.figures.grids import image_grid, image_rows, write_png

__all__ = ["image_grid", "image_rows", "palette", "plots", "report", "write_png"]
