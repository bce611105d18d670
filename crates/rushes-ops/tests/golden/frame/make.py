#!/usr/bin/env python3
"""Makes the .golden files beside it, from code that is not ours.

Needs: pip install -r requirements.txt, and the program ffmpeg (5.1.9 made these)
Run it in this folder; it writes the same bytes each time. cases.py says what is
in them.
"""
import fields
import filters
import geometry
import grading
import layers
import tone
import writing
from cases import Writer

writer = Writer()
for group in [fields, filters, geometry, grading, layers, tone, writing]:
    group.write(writer)
writer.save()
