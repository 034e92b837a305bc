"""The discovery graph: plan -> generate -> validate -> rank -> (refine -> generate | confirm -> store -> report)."""

from __future__ import annotations

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agent.discovery.deps import Deps
from agent.discovery.nodes.confirm import confirm
from agent.discovery.nodes.generate import generate
from agent.discovery.nodes.plan import plan
from agent.discovery.nodes.rank import rank
from agent.discovery.nodes.refine import refine
from agent.discovery.nodes.report import report
from agent.discovery.nodes.store import store
from agent.discovery.nodes.validate import validate
from agent.discovery.state import DiscoveryState

Graph = CompiledStateGraph[DiscoveryState, Deps, DiscoveryState, DiscoveryState]


def build_graph(checkpointer: BaseCheckpointSaver[Any]) -> Graph:
    graph = StateGraph(DiscoveryState, context_schema=Deps)
    graph.add_node("plan", plan)
    graph.add_node("generate", generate)
    graph.add_node("validate", validate)
    graph.add_node("rank", rank)
    graph.add_node("refine", refine)
    graph.add_node("confirm", confirm)
    graph.add_node("store", store)
    graph.add_node("report", report)
    graph.add_edge(START, "plan")
    graph.add_edge("plan", "generate")
    graph.add_edge("generate", "validate")
    graph.add_edge("validate", "rank")
    graph.add_edge("refine", "generate")
    graph.add_edge("confirm", "store")
    graph.add_edge("store", "report")
    graph.add_edge("report", END)
    return graph.compile(checkpointer=checkpointer)
