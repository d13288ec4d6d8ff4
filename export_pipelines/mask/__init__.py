"""The masking room: what a person may not see is hidden here, and nothing else is touched.

How a value travels. `apply` gets a batch as the source gave it, and the plan, which has a word for each column.

1. `conform` gives every column its type.
2. `prefilter` goes over the bytes of each text (`kernel`) and tells whether it can hold anything that looks like personal
   data. It misses none; most texts are read no further.
3. A column under `mask`, `hash` or `tokenize` is hidden as a whole (`values`, `pseudonyms`): a part or a mask is made of
   a valid value only, anything else becomes stars.
4. A column under `redact` is read where the prefilter tells so (`redact`): `reading` gives its letters
   without encodings, width, case and accents, `own` the row's own names, streets and birth date (`repeated` those of a
   key that stands more than once in JSON), and the recognisers of `recognise` the spans of these, of addresses, of
   numbers and of never-exported values; they become `***` in the text as it was.
5. A JSON object is parsed where something in it may be hidden (`objects`): declared values by their own word, all others
   by the word for the object.
6. From every other personal column only what is never exported is taken out, with the same recognisers. What is not
   personal is not looked at, and goes out byte for byte.
"""

from export_pipelines.mask.apply import Masked, apply

__all__ = ["Masked", "apply"]
