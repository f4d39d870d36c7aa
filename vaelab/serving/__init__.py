"""The lab over HTTP, for programs: a Gradio app whose endpoints `gradio_client` can call."""
