//! The types of Kubernetes itself that objects and discovery are made of.

use super::schema::{
    Field,
    Holds::{Flag, ListOf, Number, Reference, Text, TextMap, Texts},
    Merge, Schema, Shape, optional, required,
};

pub(super) const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
pub(super) const GROUP: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.APIGroup";
pub(super) const GROUPS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.APIGroupList";
const RESOURCE: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.APIResource";
pub(super) const RESOURCES: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList";
pub(super) const DURATION: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Duration";
const FIELDS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1";
const GROUP_VERSION: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.GroupVersionForDiscovery";
pub(super) const LIST_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";
const MANAGED: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry";
pub(super) const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const OWNER: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference";
const ADDRESS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ServerAddressByClientCIDR";
pub(super) const TIME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Time";
pub(super) const BUILD: &str = "io.k8s.apimachinery.pkg.version.Info";

const API_VERSION: Field = optional("apiVersion", Text, "Group and version of the type.");
const KIND: Field = optional("kind", Text, "Name of the type.");

/// All of them.
pub(super) const SCHEMAS: &[Schema] = &[
    Schema {
        name: QUANTITY,
        about: "An amount: a decimal number with an optional suffix. n, u and m stand for a billionth, a millionth and a thousandth, k, M, G, T, P and E for powers of 1000, Ki, Mi, Gi, Ti, Pi and Ei for powers of 1024. 100m of cpu are a tenth of a core, 64Mi of memory are 67108864 bytes. Amounts are always written with the largest suffix that needs no fraction.",
        shape: Shape::Amount,
        kind: None,
    },
    Schema {
        name: GROUP,
        about: "A group of the API and its versions.",
        shape: Shape::Object(&[
            API_VERSION,
            KIND,
            required("name", Text, "The group's name."),
            optional(
                "preferredVersion",
                Reference(GROUP_VERSION),
                "The version to use when there is no reason for another one.",
            ),
            optional(
                "serverAddressByClientCIDRs",
                ListOf(ADDRESS, Merge::Atomic),
                "Where clients of certain networks reach this server.",
            ),
            required("versions", ListOf(GROUP_VERSION, Merge::Atomic), "All versions served."),
        ]),
        kind: Some(["", "v1", "APIGroup"]),
    },
    Schema {
        name: GROUPS,
        about: "The groups that a server has.",
        shape: Shape::Object(&[
            API_VERSION,
            required("groups", ListOf(GROUP, Merge::Atomic), "The groups."),
            KIND,
        ]),
        kind: Some(["", "v1", "APIGroupList"]),
    },
    Schema {
        name: RESOURCE,
        about: "A resource, and what can be done with it.",
        shape: Shape::Object(&[
            required("name", Text, "Its name in paths, in the plural."),
            required("singularName", Text, "Its name in the singular."),
            required("namespaced", Flag, "Whether its objects live in namespaces."),
            required("kind", Text, "The type of its objects."),
            required("verbs", Texts(Merge::Unsaid), "What can be done with it."),
            optional("categories", Texts(Merge::Atomic), "Words that stand for it and others."),
            optional("group", Text, "The group of its objects, if not that of the list."),
            optional("shortNames", Texts(Merge::Atomic), "Short forms of its name."),
            optional("storageVersionHash", Text, "Changes with the version that is stored."),
            optional("version", Text, "The version of its objects, if not that of the list."),
        ]),
        kind: None,
    },
    Schema {
        name: RESOURCES,
        about: "The resources of one version of a group.",
        shape: Shape::Object(&[
            API_VERSION,
            required("groupVersion", Text, "The group and version."),
            KIND,
            required("resources", ListOf(RESOURCE, Merge::Atomic), "The resources."),
        ]),
        kind: Some(["", "v1", "APIResourceList"]),
    },
    Schema {
        name: DURATION,
        about: "A length of time in numbers with units, such as 15.003s or 1m30s.",
        shape: Shape::Text,
        kind: None,
    },
    Schema {
        name: FIELDS,
        about: "A set of fields, as a tree whose leaves are empty.",
        shape: Shape::AnyObject,
        kind: None,
    },
    Schema {
        name: GROUP_VERSION,
        about: "A version of a group.",
        shape: Shape::Object(&[
            required("groupVersion", Text, "Group and version together, with a slash between."),
            required("version", Text, "The version alone."),
        ]),
        kind: None,
    },
    Schema {
        name: LIST_META,
        about: "What is said of a list apart from its items.",
        shape: Shape::Object(&[
            optional("continue", Text, "Leads to the next page, if there is one."),
            optional("remainingItemCount", Number, "How many items later pages have."),
            optional("resourceVersion", Text, "Which state of the cluster the list shows."),
            optional("selfLink", Text, "No longer used."),
        ]),
        kind: None,
    },
    Schema {
        name: MANAGED,
        about: "Which fields of an object one of its writers cares for.",
        shape: Shape::Object(&[
            optional("apiVersion", Text, "The version that the set of fields belongs to."),
            optional("fieldsType", Text, "The notation of the set: FieldsV1."),
            optional("fieldsV1", Reference(FIELDS), "The set of fields."),
            optional("manager", Text, "The writer."),
            optional("operation", Text, "Whether it applied or updated the object."),
            optional("subresource", Text, "The subresource that it wrote."),
            optional("time", Reference(TIME), "When it changed the set last."),
        ]),
        kind: None,
    },
    Schema {
        name: OBJECT_META,
        about: "What every object has: a name, and what clients note beside it.",
        shape: Shape::Object(&[
            optional("annotations", TextMap, "Notes of tools, which nothing is selected by."),
            optional("creationTimestamp", Reference(TIME), "When the object was made."),
            optional("deletionGracePeriodSeconds", Number, "How long an end in order may take."),
            optional("deletionTimestamp", Reference(TIME), "When the object is to be gone."),
            optional("finalizers", Texts(Merge::Set), "Who has to agree before it is gone."),
            optional("generateName", Text, "The beginning of a name that the server completes."),
            optional("generation", Number, "Counts the changes of what is wanted."),
            optional("labels", TextMap, "Words by which objects are selected."),
            optional("managedFields", ListOf(MANAGED, Merge::Atomic), "Who wrote which fields."),
            optional("name", Text, "The name, unique within the namespace."),
            optional("namespace", Text, "The namespace, for objects that live in one."),
            optional(
                "ownerReferences",
                ListOf(OWNER, Merge::ByKey("uid")),
                "The objects that this one goes away with.",
            ),
            optional("resourceVersion", Text, "Changes whenever the object does."),
            optional("selfLink", Text, "No longer used."),
            optional("uid", Text, "Tells it from others that had its name before."),
        ]),
        kind: None,
    },
    Schema {
        name: OWNER,
        about: "An object that another one belongs to, in the same namespace.",
        shape: Shape::AtomicObject(&[
            required("apiVersion", Text, "The owner's group and version."),
            optional("blockOwnerDeletion", Flag, "Whether the owner waits for this object's end."),
            optional("controller", Flag, "Whether the owner is the one that manages it."),
            required("kind", Text, "The owner's type."),
            required("name", Text, "The owner's name."),
            required("uid", Text, "The owner's uid."),
        ]),
        kind: None,
    },
    Schema {
        name: ADDRESS,
        about: "Where clients of a network reach this server.",
        shape: Shape::Object(&[
            required("clientCIDR", Text, "The network."),
            required("serverAddress", Text, "A host or an IP address, with a port."),
        ]),
        kind: None,
    },
    Schema {
        name: TIME,
        about: "A moment, to the second, as in RFC 3339.",
        shape: Shape::Moment,
        kind: None,
    },
    Schema {
        name: BUILD,
        about: "Which build of the server this is.",
        shape: Shape::Object(&[
            required("major", Text, "First part of its version."),
            required("minor", Text, "Second part of its version."),
            required("gitVersion", Text, ""),
            required("gitCommit", Text, ""),
            required("gitTreeState", Text, ""),
            required("buildDate", Text, ""),
            required("goVersion", Text, ""),
            required("compiler", Text, ""),
            required("platform", Text, ""),
            optional("emulationMajor", Text, "First part of the version it behaves like."),
            optional("emulationMinor", Text, "Second part of the version it behaves like."),
            optional("minCompatibilityMajor", Text, "First part of the oldest that it works with."),
            optional(
                "minCompatibilityMinor",
                Text,
                "Second part of the oldest that it works with.",
            ),
        ]),
        kind: None,
    },
];
