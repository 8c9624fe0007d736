//! The nodes of a plan as a tree, in the order of their codes, with what follows from below: figures
//! that nobody stated, room, and the packs that fit what is under a node.

use std::collections::BTreeMap;
use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize};

use super::late_entry::EntryLag;
use super::plan::{FIGURE_MAX, Node, Plan, Refusals, Step, Wrong};

/// A node of this tree. Ids are handed out in the order of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id(usize);

/// Something for each node. Invariant: as long as the tree that makes the ids.
#[derive(Clone, Debug)]
pub(super) struct PerNode<T>(Vec<T>);

impl<T: Clone> PerNode<T> {
    pub(super) fn filled(tree: &Tree<'_>, with: T) -> Self {
        Self(vec![with; tree.nodes.0.len()])
    }
}

impl<T> PerNode<T> {
    pub(super) fn into_iter(self) -> impl Iterator<Item = T> {
        self.0.into_iter()
    }
}

impl<T> Index<Id> for PerNode<T> {
    type Output = T;

    #[expect(
        clippy::indexing_slicing,
        reason = "an id is made by the tree whose length this is"
    )]
    fn index(&self, id: Id) -> &T {
        &self.0[id.0]
    }
}

impl<T> IndexMut<Id> for PerNode<T> {
    #[expect(
        clippy::indexing_slicing,
        reason = "an id is made by the tree whose length this is"
    )]
    fn index_mut(&mut self, id: Id) -> &mut T {
        &mut self.0[id.0]
    }
}

/// A figure that formulas are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// People.
    Population,
    /// Units asked for.
    Request,
    /// Doses on hand.
    Stock,
    /// Of those, doses that expire before they can be used.
    Expiring,
    /// Doses due.
    Due,
    /// Doses supplied before.
    Supplied,
    /// Doses supplied in other ways.
    Elsewhere,
    /// Doses recorded as used.
    Used,
    /// Doses recorded as used in the latest week.
    Week,
    /// Doses thought to be given and not entered.
    Late,
    /// The same of the latest week.
    LateWeek,
    /// The same that a stock computed from records still holds.
    LateInStock,
    /// Units given by the parts before.
    Given,
}

impl Figure {
    /// Every figure that a node has.
    pub const ALL: [Self; 13] = [
        Self::Population,
        Self::Request,
        Self::Stock,
        Self::Expiring,
        Self::Due,
        Self::Supplied,
        Self::Elsewhere,
        Self::Used,
        Self::Week,
        Self::Late,
        Self::LateWeek,
        Self::LateInStock,
        Self::Given,
    ];

    /// The word in files, texts and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Population => "population",
            Self::Request => "request",
            Self::Stock => "stock",
            Self::Expiring => "expiring",
            Self::Due => "due",
            Self::Supplied => "supplied",
            Self::Elsewhere => "elsewhere",
            Self::Used => "used",
            Self::Week => "week",
            Self::Late => "late",
            Self::LateWeek => "late_week",
            Self::LateInStock => "late_in_stock",
            Self::Given => "given",
        }
    }
}

/// The figures of a node; what neither it nor anybody below it states is none.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures(BTreeMap<Figure, u64>);

impl Figures {
    /// A figure; what is not known counts as nothing.
    pub(super) fn get(&self, figure: Figure) -> u64 {
        self.0.get(&figure).copied().unwrap_or(0)
    }

    fn stated(node: &Node, nation: &EntryLag) -> Self {
        let mut figures = BTreeMap::new();
        let stated = [
            (Figure::Population, node.population),
            (Figure::Request, node.request),
            (Figure::Stock, node.stock_doses),
            (Figure::Expiring, node.expiring_doses),
            (Figure::Due, node.due_doses),
            (Figure::Supplied, node.supplied_doses),
            (Figure::Elsewhere, node.supplied_elsewhere_doses),
            (Figure::Used, node.used_doses),
            (Figure::Week, node.week_doses),
        ];
        for (figure, stated) in stated {
            if let Some(stated) = stated {
                figures.insert(figure, stated);
            }
        }
        if !node.entered.is_empty() {
            let lag = node.entry_lag.as_ref().unwrap_or(nation);
            let late = lag.late(&node.entered);
            figures.insert(Figure::Late, late.all);
            figures.insert(Figure::LateWeek, late.week);
            let in_stock = if node.stock_counted { 0 } else { late.all };
            figures.insert(Figure::LateInStock, in_stock);
        }
        Self(figures)
    }
}

/// What stops a node from getting more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// What it can keep.
    Cap,
    /// What it asked for.
    Request,
    /// What those below it can take.
    Below,
    /// What the rule says it lacks or asked for.
    Lacking,
}

impl Limit {
    /// The word in files, texts and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cap => "cap",
            Self::Request => "request",
            Self::Below => "below",
            Self::Lacking => "lacking",
        }
    }
}

/// In what amounts units come to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Multiples of this.
    pub pack: u64,
    /// The smallest shipment.
    pub first: u64,
    /// The most.
    pub room: u64,
    /// What makes it the most; none if nothing does.
    pub limit: Option<Limit>,
}

/// A node in its place.
pub(super) struct Placed<'p> {
    pub node: &'p Node,
    /// Where it stands in the plan, for messages.
    pub at: usize,
    pub parent: Option<Id>,
    pub children: Vec<Id>,
    pub depth: usize,
    pub figures: Figures,
    pub bounds: Bounds,
}

/// A plan's nodes as a tree.
pub(super) struct Tree<'p> {
    pub nodes: PerNode<Placed<'p>>,
    /// From the top down, in the order of codes within each depth.
    pub downwards: Vec<Id>,
    pub top: Option<Id>,
    /// The step that ends at each depth.
    steps: BTreeMap<usize, usize>,
    by_code: BTreeMap<&'p str, Id>,
}

impl<'p> Tree<'p> {
    /// Sets the nodes of a plan in their places and computes what follows from below.
    pub(super) fn grow(plan: &'p Plan, refusals: &mut Refusals) -> Self {
        let mut tree = Self::plant(plan, refusals);
        tree.link(refusals);
        tree.descend(refusals);
        tree.set_steps(&plan.steps, refusals);
        if refusals.is_empty() {
            tree.sum_up(&plan.steps, refusals);
            tree.refuse_passed_over(plan, refusals);
        }
        tree
    }

    pub(super) fn find(&self, code: &str) -> Option<Id> {
        self.by_code.get(code).copied()
    }

    /// The nodes in the order of their codes.
    pub(super) fn in_order(&self) -> impl Iterator<Item = (Id, &Placed<'p>)> {
        let nodes = self.nodes.0.iter().enumerate();
        nodes.map(|(place, placed)| (Id(place), placed))
    }

    /// The step that ends at a node's level.
    pub(super) fn step_of(&self, id: Id) -> Option<usize> {
        self.steps.get(&self.nodes[id].depth).copied()
    }

    fn plant(plan: &'p Plan, refusals: &mut Refusals) -> Self {
        let nation = EntryLag::nation();
        let mut order: Vec<(usize, &Node)> = plan.nodes.iter().enumerate().collect();
        order.sort_by(|one, other| one.1.code.cmp(&other.1.code));
        let mut by_code = BTreeMap::new();
        let mut nodes = Vec::with_capacity(order.len());
        for (at, node) in order {
            if by_code
                .insert(node.code.as_str(), Id(nodes.len()))
                .is_some()
            {
                refusals.add(format!("nodes[{at}].code"), Wrong::Twice);
            }
            nodes.push(Placed {
                node,
                at,
                parent: None,
                children: Vec::new(),
                depth: 0,
                figures: Figures::stated(node, &nation),
                bounds: Bounds {
                    pack: 1,
                    first: 1,
                    room: 0,
                    limit: None,
                },
            });
        }
        Self {
            nodes: PerNode(nodes),
            downwards: Vec::new(),
            top: None,
            steps: BTreeMap::new(),
            by_code,
        }
    }

    fn link(&mut self, refusals: &mut Refusals) {
        let mut links = Vec::new();
        let mut tops = 0;
        for (place, placed) in self.nodes.0.iter().enumerate() {
            let Some(parent) = placed.node.parent.as_deref() else {
                tops += 1;
                self.top = Some(Id(place));
                continue;
            };
            match self.by_code.get(parent) {
                Some(parent) => links.push((Id(place), *parent)),
                None => refusals.add(format!("nodes[{}].parent", placed.at), Wrong::NoSuchNode),
            }
        }
        if tops != 1 {
            refusals.add("nodes", Wrong::Tops { count: tops });
        }
        for (child, parent) in links {
            self.nodes[child].parent = Some(parent);
            self.nodes[parent].children.push(child);
        }
    }

    /// Goes down from the top; whom it does not reach stands in a circle.
    fn descend(&mut self, refusals: &mut Refusals) {
        let mut reached = vec![false; self.nodes.0.len()];
        let mut generation: Vec<Id> = self.top.into_iter().collect();
        let mut depth = 0;
        while !generation.is_empty() {
            let mut next = Vec::new();
            for id in &generation {
                if let Some(reached) = reached.get_mut(id.0) {
                    *reached = true;
                }
                self.nodes[*id].depth = depth;
                next.extend_from_slice(&self.nodes[*id].children);
            }
            self.downwards.append(&mut generation);
            generation = next;
            depth += 1;
        }
        if !refusals.is_empty() {
            return;
        }
        for (placed, _) in self
            .nodes
            .0
            .iter()
            .zip(reached)
            .filter(|(_, reached)| !reached)
        {
            refusals.add(format!("nodes[{}].parent", placed.at), Wrong::Circle);
        }
    }

    fn set_steps(&mut self, steps: &[Step], refusals: &mut Refusals) {
        let mut depths: BTreeMap<&str, usize> = BTreeMap::new();
        for id in &self.downwards {
            let placed = &self.nodes[*id];
            let depth = *depths
                .entry(placed.node.level.as_str())
                .or_insert(placed.depth);
            if depth != placed.depth {
                refusals.add(format!("nodes[{}].level", placed.at), Wrong::UnevenLevel);
            }
        }
        let mut before = 0;
        for (at, step) in steps.iter().enumerate() {
            match depths.get(step.level.as_str()) {
                None => refusals.add(format!("steps[{at}].level"), Wrong::NoSuchLevel),
                Some(depth) if *depth <= before => {
                    refusals.add(format!("steps[{at}].level"), Wrong::NotBelow);
                }
                Some(depth) => {
                    self.steps.insert(*depth, at);
                    before = *depth;
                }
            }
        }
    }

    /// From the bottom up: figures nobody stated, packs, and room.
    fn sum_up(&mut self, steps: &[Step], refusals: &mut Refusals) {
        for place in (0..self.downwards.len()).rev() {
            let Some(id) = self.downwards.get(place).copied() else {
                continue;
            };
            let figures = self.figures_of(id);
            if figures.0.values().any(|figure| *figure > FIGURE_MAX) {
                let field = format!("nodes[{}]", self.nodes[id].at);
                refusals.add(field, Wrong::TooLarge { max: FIGURE_MAX });
            }
            let requests_limit = self
                .step_of(id)
                .and_then(|step| steps.get(step))
                .is_some_and(|step| step.requests_limit);
            self.nodes[id].figures = figures;
            self.nodes[id].bounds = self.bounds_of(id, requests_limit);
        }
    }

    fn figures_of(&self, id: Id) -> Figures {
        let placed = &self.nodes[id];
        let mut figures = placed.figures.clone();
        if placed.children.is_empty() {
            return figures;
        }
        for figure in Figure::ALL {
            if figures.0.contains_key(&figure) {
                continue;
            }
            let below = placed.children.iter();
            let known = below.filter_map(|child| self.nodes[*child].figures.0.get(&figure));
            if let Some(sum) = known.copied().reduce(u64::saturating_add) {
                figures.0.insert(figure, sum);
            }
        }
        figures
    }

    fn bounds_of(&self, id: Id, requests_limit: bool) -> Bounds {
        let placed = &self.nodes[id];
        let below = || {
            // Who may be given nothing has no room that counts, and asks for no pack.
            let children = placed.children.iter().map(|child| &self.nodes[*child]);
            children
                .filter(|child| !child.node.without_contract)
                .map(|child| child.bounds)
        };
        let common = below()
            .map(|child| child.pack)
            .reduce(greatest_common_divisor);
        let pack = placed.node.pack.or(common).unwrap_or(1).max(1);
        let smallest = placed
            .node
            .minimum
            .or(below().map(|child| child.first).min());
        let first = smallest.unwrap_or(pack).max(1).div_ceil(pack) * pack;
        let (mut room, mut limit) = (FIGURE_MAX, None);
        let mut limits = vec![(placed.node.cap, Limit::Cap)];
        if requests_limit {
            limits.push((Some(placed.figures.get(Figure::Request)), Limit::Request));
        }
        let in_all = below().map(|child| child.room).reduce(u64::saturating_add);
        limits.push((in_all, Limit::Below));
        for (most, why) in limits {
            if let Some(most) = most.filter(|most| *most < room) {
                (room, limit) = (most, Some(why));
            }
        }
        Bounds {
            pack,
            first,
            room: room - room % pack,
            limit,
        }
    }

    /// A level no step ends at gets the sum of what is below: nothing that limits it would hold.
    fn refuse_passed_over(&self, plan: &Plan, refusals: &mut Refusals) {
        let last = self.steps.keys().next_back().copied().unwrap_or(0);
        for id in &self.downwards {
            let placed = &self.nodes[*id];
            let is_passed_over =
                placed.depth < last && placed.depth > 0 && self.step_of(*id).is_none();
            let node = placed.node;
            if is_passed_over {
                let stated = [
                    ("cap", node.cap),
                    ("minimum", node.minimum),
                    ("pack", node.pack),
                ];
                for (name, _) in stated.into_iter().filter(|(_, stated)| stated.is_some()) {
                    let field = format!("nodes[{}].{name}", placed.at);
                    refusals.add(field, Wrong::PassedOver);
                }
            }
        }
        let mut seen = BTreeMap::new();
        for (at, one) in plan.overrides.iter().enumerate() {
            let field = || format!("overrides[{at}].node");
            match self.find(&one.node) {
                None => refusals.add(field(), Wrong::NoSuchNode),
                Some(id) if self.step_of(id).is_none() => {
                    refusals.add(field(), Wrong::PassedOver);
                }
                Some(id) => {
                    if seen.insert(id, at).is_some() {
                        refusals.add(field(), Wrong::Twice);
                    }
                }
            }
        }
    }
}

fn greatest_common_divisor(one: u64, other: u64) -> u64 {
    if other == 0 {
        one
    } else {
        greatest_common_divisor(other, one % other)
    }
}
