"""Write the generated files of the client libraries: `python -m devtools.client_code`."""

from devtools.client_code.files import generated

for path, text in generated().items():
    path.write_text(text)
