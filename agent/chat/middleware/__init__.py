"""What stands around the language model and the tools in a turn, one concern a file; `agent.chat.assistant` orders it.

Each is a LangChain middleware over the `Turn` it belongs to. They only wrap calls (`wrap_model_call`, `wrap_tool_call`)
and add no steps to the graph, so that a turn has one checkpoint a model call and one a round of tools.
"""
