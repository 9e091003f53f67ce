/** What the API takes and answers. Generated from docs/openapi.json by `python -m devtools.client_code`; do not edit. */
export {};
