//! What a scenario says of faults, as kubelets take it.

use fake_kubelet::{Faults, SampleFault, Trickle, When};

use crate::file::format;

/// The faults of a kubelet.
pub(super) fn faults(faults: &format::Faults) -> Faults {
    Faults {
        refuse: faults.refuse,
        silence: faults.silence,
        cut_after: faults.cut_after,
        trickle: faults
            .trickle
            .map(|trickle| Trickle { bytes: trickle.bytes, every: trickle.every.0 }),
        tls: faults.tls,
        certificate: faults.certificate.into_iter().collect(),
        delay: faults.delay.map(|delay| delay.0),
        status: faults.status,
        redirect: faults.redirect.clone(),
        content_type: faults.content_type.clone(),
        transfer: faults.transfer,
        body: faults.body,
        samples: faults.samples.map(samples),
        when: faults.when.map(when).unwrap_or_default(),
        at: faults.at.iter().flatten().map(|ip| ip.0).collect(),
        also: faults.also.iter().map(self::faults).collect(),
    }
}

fn when(when: format::When) -> When {
    When {
        after: when.after.map(|after| after.0).unwrap_or_default(),
        for_: when.for_.map(|length| length.0),
        every: when.every.map(|every| every.0),
        after_requests: when.after_requests.unwrap_or_default(),
        for_requests: when.for_requests,
        probability: when.probability.map(|probability| probability.0),
    }
}

fn samples(fault: format::SampleFault) -> SampleFault {
    SampleFault {
        ahead: fault.ahead.map(|ahead| ahead.0).unwrap_or_default(),
        behind: fault.behind.map(|behind| behind.0).unwrap_or_default(),
        frozen: fault.frozen,
        untimed: fault.untimed,
        reset: fault.reset,
    }
}
