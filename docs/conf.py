# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the documentation site; `make docs` builds it."""

project = "vmrops.o365"
copyright = "2026 the vmrops.o365 authors"
extensions = ["myst_parser", "sphinx.ext.intersphinx", "sphinx_antsibull_ext"]
# Where Ansible's own pages are; the list that is read for it is written by tests/tools/site.py.
intersphinx_mapping = {"ansible": ("https://docs.ansible.com/ansible/latest/", "../ansible.inv")}
html_theme = "furo"
html_title = "vmrops.o365"
html_show_sphinx = False
# Nothing is loaded from elsewhere, and nothing asked for while the site is built: it works without network.
myst_heading_anchors = 4
myst_links_external_new_tab = False
